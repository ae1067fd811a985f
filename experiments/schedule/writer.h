// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <memory>

#include "experiments/store/store.h"

namespace ts {

/// The one thread that writes a store, in the order it was asked to.
class Writer {
 public:
  static Result<std::unique_ptr<Writer>> open(const std::filesystem::path& path) {
    std::unique_ptr<Writer> writer(new Writer);
    Result<void> opened;
    boost::asio::post(writer->thread_, [&writer = *writer, &path, opening = &opened] {
      auto store = Store::open(path);
      if (store)
        writer.store_ = std::move(*store);
      else
        *opening = tl::unexpected(store.error());
      writer.ready_.set_value();
    });
    writer->ready_.get_future().wait();
    if (!opened) return tl::unexpected(opened.error());
    return writer;
  }
  ~Writer() { thread_.join(); }

  const std::vector<std::string>& notices() const { return store_->notices(); }

  /// Runs `work(store)` on the writer's thread and waits for its result.
  template <class Work>
  auto call(Work&& work) -> decltype(work(std::declval<Store&>())) {
    std::promise<decltype(work(std::declval<Store&>()))> promise;
    auto future = promise.get_future();
    boost::asio::post(thread_, [&] { promise.set_value(work(*store_)); });
    return future.get();
  }

 private:
  Writer() = default;
  std::unique_ptr<Store> store_;
  std::promise<void> ready_;
  boost::asio::thread_pool thread_{1};
};

}  // namespace ts
