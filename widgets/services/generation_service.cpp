// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/services/generation_service.h"

#include <QMetaObject>
#include <chrono>
#include <exception>
#include <new>

#include "engine/core/machine_lock.h"
#include "engine/formats/chat_template.h"
#include "engine/formats/tokenizer.h"
#include "engine/transforms/transform.h"
#include "widgets/base/text.h"

namespace ts {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kFrame = std::chrono::milliseconds(33);
constexpr std::size_t kKeptModels = 4;

Result<std::vector<int>> promptIds(const GenerationRequest& request) {
  const Tokenizer* tokenizer = request.model->model->tokenizer.get();
  if (!tokenizer) return fail(ErrorKind::Unsupported, "this model carries no tokenizer, so it cannot read a prompt", request.model->source);
  if (!request.chat) return tokenizer->encode(request.prompt);
  const auto piece = [&](int id) { return id < 0 ? std::string() : std::string(tokenizer->piece(id)); };
  const ChatMessage message{"user", request.prompt};
  TS_TRY(const std::string words, applyChatTemplate(request.model->summary.chatTemplate, {&message, 1}, true, piece(tokenizer->bos()), piece(tokenizer->eos())));
  return tokenizer->encode(words, {.addSpecial = false, .parseSpecial = true});
}

}  // namespace

template <class Call>
void GenerationService::tell(Call&& call) {
  QMetaObject::invokeMethod(this, std::forward<Call>(call), Qt::QueuedConnection);
}

GenerationService::GenerationService(QObject* parent) : QObject(parent) {
  qRegisterMetaType<Generation>();
  thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

GenerationService::~GenerationService() {
  stop();
  thread_.request_stop();
  wake_.notify_all();
}

void GenerationService::start(GenerationRequest request) {
  if (pending_++ == 0) Q_EMIT busyChanged(true);
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  wake_.notify_all();
}

void GenerationService::stop() {
  const std::lock_guard lock(mutex_);
  current_.request_stop();
  const auto dropped = static_cast<int>(waiting_.size());
  waiting_.clear();
  if (dropped && (pending_ -= dropped) == 0) Q_EMIT busyChanged(false);
}

void GenerationService::run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    GenerationRequest request;
    std::stop_token mine;
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      request = std::move(waiting_.front());
      waiting_.pop_front();
      current_ = std::stop_source();
      mine = current_.get_token();
    }
    handle(request, mine);
    tell([this] {
      if (--pending_ == 0) Q_EMIT busyChanged(false);
    });
  }
}

Result<std::shared_ptr<const Model>> GenerationService::prepared(const GenerationRequest& request, ThreadPool& pool, std::stop_token stop) {
  if (request.plan.weights.empty()) return request.model->model;
  if (const std::string& now = request.model->summary.fingerprint; preparedOf_ != now) {  // another model, or another file of its name
    prepared_.clear();
    preparedOf_ = now;
  }
  std::string key;
  for (const StrategySpec& spec : request.plan.weights) key += " + " + toText(spec);
  if (const auto it = prepared_.find(key); it != prepared_.end()) return it->second;
  TransformContext context{.pool = pool, .stop = stop};
  context.progress = [this, slot = request.slot, last = Clock::time_point()](double fraction, std::string_view what) mutable {
    if (Clock::now() - last < kFrame * 3) return;
    last = Clock::now();
    tell([this, slot, fraction, what = text(what)] { Q_EMIT staged(slot, tr("Preparing weights: %1 (%2 %)").arg(what).arg(static_cast<int>(fraction * 100))); });
  };
  TS_TRY(Prepared made, prepare(request.model->model, request.plan.weights, context));
  if (prepared_.size() >= kKeptModels) prepared_.clear();
  prepared_[key] = made.model;
  return made.model;
}

/// Whatever happens ends in finished() or failed(): what throws is this plan's failure, not the program's end.
void GenerationService::handle(const GenerationRequest& request, std::stop_token stop) {
  const int slot = request.slot;
  Result<Generation> outcome;
  try {
    outcome = generated(request, stop);
  } catch (const std::bad_alloc&) {
    outcome = fail(ErrorKind::OutOfMemory, "memory ran out; a smaller model or a shorter context may fit");
  } catch (const std::exception& exception) {
    outcome = fail(ErrorKind::Internal, exception.what());
  }
  if (!outcome && outcome.error().kind == ErrorKind::Cancelled) {
    outcome = Generation();
    outcome->stopReason = "cancelled";
  }
  if (outcome)
    tell([this, slot, done = std::move(*outcome)] { Q_EMIT finished(slot, done); });
  else
    tell([this, slot, why = text(outcome.error().message)] { Q_EMIT failed(slot, why); });
}

Result<Generation> GenerationService::generated(const GenerationRequest& request, std::stop_token stop) {
  const int slot = request.slot;
  TS_TRY(const MachineHold hold, holdMachine(MachineUse::Work, stop, [&](bool waiting) {
           if (waiting) tell([this, slot] { Q_EMIT staged(slot, tr("Waiting for a measurement, which must be alone on the machine")); });
         }));
  tell([this, slot] { Q_EMIT staged(slot, tr("Reading the prompt")); });
  TS_TRY(const std::vector<int> ids, promptIds(request));
  ThreadPool pool(request.plan.threads);
  TS_TRY(const auto model, prepared(request, pool, stop));

  QString held;
  int tokens = 0;
  Clock::time_point first, shown;
  const auto flush = [&] {
    const double seconds = std::chrono::duration<double>(Clock::now() - first).count();
    const double speed = tokens > 1 && seconds > 0 ? (tokens - 1) / seconds : 0;
    tell([this, slot, words = std::exchange(held, {}), tokens, speed] { Q_EMIT streamed(slot, words, tokens, speed); });
    shown = Clock::now();
  };
  const TokenSink sink = [&](int id, std::string_view words) {
    if (id >= 0 && tokens++ == 0) first = Clock::now();
    held += text(words);
    if (Clock::now() - shown > kFrame) flush();
  };
  auto generation = generate(model, request.plan, ids, {.tokens = request.tokens, .seed = request.seed}, pool, sink, stop);
  if (tokens) flush();
  return generation;
}

}  // namespace ts
