// SPDX-License-Identifier: GPL-3.0-or-later
// The one file that includes oneDNN. Versions 2.6 (Debian 12) and 3.x differ in how a primitive is made.
#include "engine/kernels/dnnl.h"

#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>

#include "engine/core/buffer.h"

namespace ts {
namespace {

using Dims = dnnl::memory::dims;

// Weights lie as [n, k], which is `ba` to oneDNN: on AVX2 a plain `ba` is faster than the layout it would choose itself.
dnnl::matmul::primitive_desc describe(const dnnl::engine& engine, std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t inStride,
                                      std::int64_t outStride) {
  constexpr auto f32 = dnnl::memory::data_type::f32;
  const dnnl::memory::desc source({m, k}, f32, Dims{inStride, 1}), weights({k, n}, f32, Dims{1, k}), destination({m, n}, f32, Dims{outStride, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);  // else a primitive belongs to the thread that made it
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::matmul::primitive_desc(engine, source, weights, destination, attributes);
#else
  return dnnl::matmul::primitive_desc(dnnl::matmul::desc(source, weights, destination), attributes, engine);
#endif
}

/// Everything one thread needs; nothing is shared, so nothing is locked.
struct Worker {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  struct Made {
    dnnl::matmul::primitive_desc description;
    dnnl::matmul primitive;
  };
  std::map<std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>, Made> made;
  Buffer<std::byte> scratchpad;

  Made& get(std::int64_t m, std::int64_t n, std::int64_t k, std::int64_t inStride, std::int64_t outStride) {
    const auto key = std::tuple(m, n, k, inStride, outStride);
    if (const auto it = made.find(key); it != made.end()) return it->second;
    if (made.size() >= 256) made.clear();  // prompts of every length come by; a primitive is cheap to make again
    auto description = describe(engine, m, n, k, inStride, outStride);
    dnnl::matmul primitive(description);
    return made.emplace(key, Made{std::move(description), std::move(primitive)}).first->second;
  }
};

Worker& worker() {
  thread_local Worker worker;
  return worker;
}

}  // namespace

std::string dnnlVersion() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

void dnnlMultiply(const float* in, std::int64_t inStride, const float* weights, float* out, std::int64_t outStride, std::int64_t m,
                  std::int64_t n, std::int64_t k) {
  Worker& w = worker();
  auto& [description, primitive] = w.get(m, n, k, inStride, outStride);
  const auto memory = [&](const dnnl::memory::desc& d, const void* p) { return dnnl::memory(d, w.engine, const_cast<void*>(p)); };
  const auto pad = description.scratchpad_desc();
  if (w.scratchpad.size() < pad.get_size()) w.scratchpad.resize(pad.get_size());
  primitive.execute(w.stream, {{DNNL_ARG_SRC, memory(description.src_desc(), in)},
                               {DNNL_ARG_WEIGHTS, memory(description.weights_desc(), weights)},
                               {DNNL_ARG_DST, memory(description.dst_desc(), out)},
                               {DNNL_ARG_SCRATCHPAD, memory(pad, w.scratchpad.data())}});
  w.stream.wait();
}

std::string dnnlImplementation(std::int64_t m, std::int64_t n, std::int64_t k) {
  return worker().get(m, n, k, k, n).description.impl_info_str();
}

}  // namespace ts
