// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstring>
#include <functional>
#include <string>

#include "engine/core/buffer.h"
#include "engine/core/page_storage.h"
#include "engine/kernels/panel.h"
#include "engine/weights/matrix.h"

namespace ts {

/// What a panel format is made of; fixes the size of everything.
struct PackedLayout {
  std::string format;
  Element element = Element::F32;
  ScaleKind scaleKind = ScaleKind::None;
  OffsetKind offsetKind = OffsetKind::None;
  std::int64_t group = 32;
  int zero = 0;
  const std::int8_t* table = nullptr;
};

/// One row on its way into a panel: the arrays the layout asks for, filled by a source.
struct PackedRow {
  Buffer<std::uint8_t> codes;   ///< padded; integer codes as bytes (S8: two's complement)
  Buffer<std::uint32_t> words;  ///< padded; bits of F32 (or of F16, BF16 in the low half)
  std::vector<float> scales32, offsets32;
  std::vector<std::uint16_t> scales16, offsets16, superScales, superOffsets;
  std::vector<std::int8_t> scales8, offsets8;
};
using RowSource = std::function<void(std::int64_t row, PackedRow& out)>;

/// A matrix in panels (kernels/panel.h), any element type: one class serves them all.
class PackedMatrix final : public Matrix {
 public:
  PackedMatrix(const PackedLayout& layout, std::int64_t rows, std::int64_t cols, const RowSource& source,
               ThreadPool& pool);

  std::string format() const override { return format_; }
  std::size_t bytes() const override { return size_; }
  int digits(Activations activations) const override;
  void unpackRows(std::int64_t first, std::int64_t count, float* out) const override;
  void multiply(ConstRows in, Rows out, Execution& execution, bool wide) const override;

  const PanelView& view() const { return view_; }

 private:
  void packPanel(std::int64_t panel, const RowSource& source, PackedRow& row);
  void scatter(const PackedRow& row, std::int64_t panel, std::size_t lane);
  void scatterBlock(const PackedRow& row, std::size_t first, const std::byte* base, std::size_t lane);

  std::string format_;
  PanelView view_;
  PageStorage storage_;  ///< touched first by the workers that pack it
  std::size_t size_ = 0;
};

}  // namespace ts
