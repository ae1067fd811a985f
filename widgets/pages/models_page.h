// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>
#include <memory>

class QAction;
class QComboBox;
class QLabel;
class QLineEdit;
class QListWidget;
class QProgressBar;
class QSlider;
class QSortFilterProxyModel;

namespace ts {

class Card;
class ContentOrEmpty;
class FactList;
class GridModel;
class MemoryBar;
class ModelService;
class Table;
class TensorModel;
class UserSettings;
struct ModelSummary;

/// What do I have, what is inside it, will it fit?
class ModelsPage : public QWidget {
  Q_OBJECT
 public:
  ModelsPage(ModelService& models, UserSettings& settings, QWidget* parent = nullptr);
  QList<QAction*> pageActions() const { return actions_; }
  void show(const ModelSummary& model);
  TensorModel& tensors() { return *tensors_; }

 Q_SIGNALS:
  void playgroundRequested();
  void experimentRequested();

 protected:
  void dragEnterEvent(QDragEnterEvent* event) override;
  void dropEvent(QDropEvent* event) override;

 private:
  QWidget* makeLibrary();
  QWidget* makeFacts();
  QWidget* makeTensors();
  void openFile();
  void openFolder();
  void fillLibrary();
  void forecast();
  void setBusy(bool busy);

  ModelService& models_;
  UserSettings& settings_;
  std::unique_ptr<ModelSummary> shown_;
  QList<QAction*> actions_;
  QListWidget* library_ = nullptr;
  ContentOrEmpty* stack_ = nullptr;
  QLabel *name_ = nullptr, *shape_ = nullptr, *busy_ = nullptr, *error_ = nullptr, *total_ = nullptr, *contextText_ = nullptr, *tensorCount_ = nullptr;
  QProgressBar* progress_ = nullptr;
  FactList* facts_ = nullptr;
  GridModel* metadata_ = nullptr;
  QSlider* context_ = nullptr;
  QComboBox* codec_ = nullptr;
  MemoryBar* memory_ = nullptr;
  TensorModel* tensors_ = nullptr;
  QSortFilterProxyModel* sorted_ = nullptr;
  Table *table_ = nullptr, *metadataTable_ = nullptr;
};

}  // namespace ts
