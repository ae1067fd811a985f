// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFrame>
#include <QLabel>
#include <QVBoxLayout>
#include <QWidget>

class QAbstractButton;
class QHBoxLayout;
class QStackedLayout;

namespace ts {

/// Spacing of the whole program, in device-independent pixels.
namespace space {
inline constexpr int kTight = 4, kSmall = 8, kMedium = 12, kLarge = 20;
}

QLabel* mutedLabel(const QString& text, QWidget* parent = nullptr);  ///< wraps; follows the theme
QLabel* headingLabel(const QString& text, QWidget* parent = nullptr);
QLabel* monospaceLabel(const QString& text, QWidget* parent = nullptr);  ///< selectable

/// A panel on the page: a hairline border, the base colour, an optional heading with room for buttons at its right.
class Card : public QFrame {
  Q_OBJECT
 public:
  explicit Card(const QString& title = {}, QWidget* parent = nullptr);
  QVBoxLayout* body() const { return body_; }
  void addHeaderWidget(QWidget* widget);
  void setTitle(const QString& title);

 protected:
  void paintEvent(QPaintEvent*) override;

 private:
  QHBoxLayout* header_ = nullptr;
  QLabel* title_ = nullptr;
  QVBoxLayout* body_ = nullptr;
};

/// The head every page starts with: its name, the question it answers, its main actions at the right.
class PageHeader : public QWidget {
  Q_OBJECT
 public:
  PageHeader(const QString& title, const QString& question, QWidget* parent = nullptr);
  void addWidget(QWidget* widget);

 private:
  QHBoxLayout* actions_ = nullptr;
};

/// What a view shows while it has nothing: why, and what to do next.
class EmptyState : public QWidget {
  Q_OBJECT
 public:
  EmptyState(const QString& iconName, const QString& title, const QString& advice, QWidget* parent = nullptr);
  void setText(const QString& title, const QString& advice);
  QAbstractButton* addButton(const QString& iconName, const QString& text, bool primary = false);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void paintIcon();
  QString iconName_;
  QLabel* icon_ = nullptr;
  QLabel* title_ = nullptr;
  QLabel* advice_ = nullptr;
  QHBoxLayout* buttons_ = nullptr;
};

/// Content, or an empty state in its place.
class ContentOrEmpty : public QWidget {
  Q_OBJECT
 public:
  ContentOrEmpty(QWidget* content, EmptyState* empty, QWidget* parent = nullptr);
  void showContent(bool content);
  bool showsContent() const;
  EmptyState* empty() const { return empty_; }

 private:
  QStackedLayout* stack_ = nullptr;
  EmptyState* empty_ = nullptr;
};


}  // namespace ts
