// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <memory>
#include <set>
#include <stop_token>
#include <thread>

#include "engine/core/result.h"
#include "engine/model/model.h"
#include "widgets/models/summary.h"

namespace ts {

/// A model that was opened: what the pages show of it and what runs it. Shared, immutable.
struct OpenedModel {
  std::string source;
  ModelSummary summary;
  std::shared_ptr<const Model> model;
  std::set<std::string> offers;  ///< capabilities, for the forms
};

/// Opens models on a thread of its own; the newest request wins. All pages look at the same current model.
class ModelService : public QObject {
  Q_OBJECT
 public:
  explicit ModelService(QObject* parent = nullptr);
  ~ModelService() override;

  std::shared_ptr<const OpenedModel> current() const { return current_; }
  bool busy() const { return busy_; }
  QString opening() const { return opening_; }

  void open(const QString& source);  ///< a path or embedded:NAME
  void cancel();
  static Result<std::shared_ptr<const OpenedModel>> load(const std::string& source, std::stop_token stop = {});

 Q_SIGNALS:
  void busyChanged(bool busy);
  void currentChanged();
  void failed(const QString& source, const QString& message);

 private:
  std::shared_ptr<const OpenedModel> current_;
  QString opening_;
  bool busy_ = false;
  std::uint64_t request_ = 0;
  std::jthread thread_;
};

}  // namespace ts
