// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>

#include "engine/core/buffer.h"

namespace ts {

/// Element-wise work on one row of floats, or on several alike. Every sum has one fixed order for a given instruction set and length; nothing
/// depends on alignment, threads or neighbours. `n` may be any non-negative number; in and out may be the same row.

float dot(const float* a, const float* b, std::int64_t n);
void addTo(const float* in, std::int64_t n, float* inout);                       ///< inout += in
void addScaled(float factor, const float* in, std::int64_t n, float* inout);    ///< inout += factor * in
void scaleBy(float factor, std::int64_t n, float* inout);
void scaled(float factor, const float* in, std::int64_t n, float* out);         ///< out = factor * in
void blend(float keep, float factor, const float* in, std::int64_t n, float* inout);  ///< inout = keep * inout + factor * in
float maximumMagnitude(const float* in, std::int64_t n);                         ///< max |x|, 0 for n = 0
/// Index of the first of the largest, of those above -infinity; -1 if there is none. What is no number is passed over.
std::int64_t firstOfLargest(const float* in, std::int64_t n);

/// IEEE half and bfloat16, round to nearest even; out of range becomes infinity.
void floatToHalf(const float* in, std::int64_t n, std::uint16_t* out);
void halfToFloat(const std::uint16_t* in, std::int64_t n, float* out);
void floatToBf16(const float* in, std::int64_t n, std::uint16_t* out);
void bf16ToFloat(const std::uint16_t* in, std::int64_t n, float* out);

/// out = in / sqrt(mean(in^2) + epsilon) * weight (Zhang and Sennrich, arXiv 1910.07467). weight may be null.
void rmsNorm(const float* in, const float* weight, float epsilon, std::int64_t n, float* out);
/// out = (in - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al., arXiv 1607.06450). weight, bias may be null.
void layerNorm(const float* in, const float* weight, const float* bias, float epsilon, std::int64_t n, float* out);

/// Rotates pairs (row[i], row[i + pairs]) by the angle with cosine cos[i] and sine sin[i] (Hugging Face's order).
void ropeHalves(float* row, const float* cos, const float* sin, std::int64_t pairs);
/// Rotates pairs (row[2i], row[2i + 1]) (GGUF's llama order).
void ropeInterleaved(float* row, const float* cos, const float* sin, std::int64_t pairs);

/// out = silu(gate) * up, gelu(gate) * up; without `up` (null) just the activation.
void siluTimes(const float* gate, const float* up, std::int64_t n, float* out);
void geluTanhTimes(const float* gate, const float* up, std::int64_t n, float* out);  ///< tanh approximation
void geluTimes(const float* gate, const float* up, std::int64_t n, float* out);      ///< by erf

/// exp(x - max) / sum in place, in float32.
struct SoftmaxSum {
  float maximum;  ///< of the scores
  float sum;      ///< of exp(score - maximum); log-sum-exp is maximum + log(sum)
};
SoftmaxSum softmax(float* scores, std::int64_t n);
/// Of every row, scores = exp(factor * score - maximum), not divided by their sum; sums.row(q): the maximum of factor * score, and the sum.
/// factor > 0; a row of no scores has -infinity and 0. What is e^-x of the largest is off by at most 1.5e-7 (1 + x) of itself, and
/// 0 below 2^-126.5.
void exponentials(float factor, Rows scores, Rows sums);
/// The maximum and the sum alone; scores stay.
SoftmaxSum softmaxSum(const float* scores, std::int64_t n);
/// scores = cap * tanh(scores / cap) (Gemma 2's soft-capping).
void softcap(float cap, std::int64_t n, float* scores);

}  // namespace ts
