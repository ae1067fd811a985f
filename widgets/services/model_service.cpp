// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/services/model_service.h"

#include <QMetaObject>
#include <exception>
#include <new>

#include "engine/core/model_path.h"
#include "engine/formats/checkpoint.h"
#include "engine/session/plan.h"
#include "widgets/base/text.h"

namespace ts {

ModelService::ModelService(QObject* parent) : QObject(parent) {}

ModelService::~ModelService() = default;

Result<std::shared_ptr<const OpenedModel>> ModelService::load(const std::string& source, std::stop_token stop) {
  TS_TRY(const std::filesystem::path path, modelPath(source));
  TS_TRY(const Checkpoint checkpoint, openCheckpoint(path, stop));
  auto opened = std::make_shared<OpenedModel>();
  opened->source = source;
  opened->summary = summarize(checkpoint, source);
  opened->offers = modelOffers(checkpoint.config, checkpoint.tokenizer != nullptr);
  ThreadPool pool(0);
  TS_TRY(opened->model, buildModel(checkpoint, pool, stop));
  return std::shared_ptr<const OpenedModel>(opened);
}

void ModelService::open(const QString& source) {
  const std::uint64_t request = ++request_;
  opening_ = source;
  busy_ = true;
  Q_EMIT busyChanged(true);
  if (thread_.joinable()) thread_.request_stop();
  std::jthread before = std::move(thread_);
  thread_ = std::jthread([this, request, source = utf8(source), before = std::move(before)](std::stop_token stop) mutable {
    if (before.joinable()) before.join();
    if (stop.stop_requested()) return;
    Result<std::shared_ptr<const OpenedModel>> opened;
    try {
      opened = load(source, stop);
    } catch (const std::bad_alloc&) {
      opened = fail(ErrorKind::OutOfMemory, "there is not enough memory for this model", source);
    } catch (const std::exception& exception) {
      opened = fail(ErrorKind::Internal, exception.what(), source);
    }
    QMetaObject::invokeMethod(
        this,
        [this, request, source, opened = std::move(opened)] {
          if (request != request_) return;
          busy_ = false;
          opening_.clear();
          if (opened) {
            current_ = *opened;
            Q_EMIT currentChanged();
          } else if (opened.error().kind != ErrorKind::Cancelled) {
            const Error& e = opened.error();
            Q_EMIT failed(text(source), text(e.where.empty() ? e.message : e.message + "\n" + e.where));
          }
          Q_EMIT busyChanged(false);
        },
        Qt::QueuedConnection);
  });
}

void ModelService::cancel() {
  if (!busy_) return;
  ++request_;
  thread_.request_stop();
  busy_ = false;
  opening_.clear();
  Q_EMIT busyChanged(false);
}

}  // namespace ts
