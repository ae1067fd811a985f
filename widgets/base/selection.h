// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QObject>
#include <cstdint>

namespace ts {

/// Which runs the user is looking at: the one truth that the table, every chart and the comparison share. Pages talk
/// through this and not to each other.
class RunSelection : public QObject {
  Q_OBJECT
 public:
  using QObject::QObject;

  const QList<std::int64_t>& selected() const { return selected_; }  ///< in the order of selection
  std::int64_t current() const { return selected_.isEmpty() ? 0 : selected_.last(); }  ///< 0: none
  std::int64_t baseline() const { return baseline_; }                ///< 0: none
  bool contains(std::int64_t run) const { return selected_.contains(run); }

  void select(QList<std::int64_t> runs);
  void toggle(std::int64_t run);
  void setBaseline(std::int64_t run);

 Q_SIGNALS:
  void changed();
  void baselineChanged(std::int64_t run);

 private:
  QList<std::int64_t> selected_;
  std::int64_t baseline_ = 0;
};

}  // namespace ts
