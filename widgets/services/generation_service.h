// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QObject>
#include <QString>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "engine/decoding/decoder.h"
#include "engine/session/plan.h"
#include "widgets/services/model_service.h"

namespace ts {

struct GenerationRequest {
  int slot = 0;  ///< which plan of the page it belongs to
  std::shared_ptr<const OpenedModel> model;
  Plan plan;
  std::string prompt;
  bool chat = false;  ///< wrap the prompt with the model's chat template
  std::int64_t tokens = 128;
  std::uint64_t seed = 1;
};

/// Generates on a thread of its own, one request after the other, so that two plans never disturb each other's timing.
/// Prepared weights are kept for the next time.
class GenerationService : public QObject {
  Q_OBJECT
 public:
  explicit GenerationService(QObject* parent = nullptr);
  ~GenerationService() override;  ///< stops; waits at most for the token in flight

  bool busy() const { return pending_ > 0; }
  void start(GenerationRequest request);
  void stop();  ///< the one running and those waiting

 Q_SIGNALS:
  void staged(int slot, const QString& what);
  void streamed(int slot, const QString& text, int tokens, double tokensPerSecond);
  void finished(int slot, const ts::Generation& generation);
  void failed(int slot, const QString& message);
  void busyChanged(bool busy);

 private:
  void run(std::stop_token stop);
  void handle(const GenerationRequest& request, std::stop_token stop);
  Result<Generation> generated(const GenerationRequest& request, std::stop_token stop);
  Result<std::shared_ptr<const Model>> prepared(const GenerationRequest& request, ThreadPool& pool, std::stop_token stop);
  template <class Call>
  void tell(Call&& call);

  int pending_ = 0;  ///< GUI thread
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<GenerationRequest> waiting_;
  std::stop_source current_;
  std::map<std::string, std::shared_ptr<const Model>> prepared_;  ///< worker thread
  std::string preparedOf_;  ///< fingerprint of the model they were made from
  std::jthread thread_;
};

}  // namespace ts

Q_DECLARE_METATYPE(ts::Generation)
