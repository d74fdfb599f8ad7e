// TensorFlow ops for the CPU that do in one pass over memory what takes Eigen several: softplus, its first and
// second derivatives, the affine map that batch normalisation is, and sums over each channel.
//
// All are float32, channel-innermost ([..., c], any c), spread over TensorFlow's own worker threads in blocks
// of a fixed size, so that results don't depend on the number of threads. Loops are plain: the compiler
// vectorises them (it needs -O3 -fno-math-errno -fno-trapping-math), once each for AVX-512, AVX2 and the
// baseline, and the processor chooses when the ops are loaded.

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/platform/threadpool.h"

namespace llr {
namespace {

using tensorflow::DEVICE_CPU;
using tensorflow::OpKernel;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::TensorShape;
using tensorflow::shape_inference::InferenceContext;
using tensorflow::shape_inference::ShapeHandle;

#define LLR_INLINE inline __attribute__((always_inline))

// An output may be the buffer of an input: iterations are independent all the same, which the compiler can't know.
#if defined(__clang__)
#define LLR_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define LLR_WIDE
#else
#define LLR_INDEPENDENT _Pragma("GCC ivdep")
#define LLR_WIDE ",prefer-vector-width=512"
#endif

// Scalar functions: branch-free, so that loops over them vectorise.

// e^-a for a ≥ 0, relative error 1e-7; 0 where it would be below the smallest normal number. NaN stays NaN.
LLR_INLINE float exp_of_minus(float a) {
  const float to_integer = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer, left in the low bits
  const float shifted = a * -1.44269504f + to_integer;
  const float n = shifted - to_integer;
  const float r = (-a - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts: the first product is exact
  float p = 0.00139261759f;
  p = p * r + 0.00836317334f;
  p = p * r + 0.0416665561f;
  p = p * r + 0.166665778f;
  p = p * r + 0.5f;
  p = (p * r * r + r) + 1.0f;
  std::uint32_t bits;
  __builtin_memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + 0x3f800000u;
  float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return a > 87.3365f ? 0.0f : p * power;
}

// ln(1 + t) for t in [0, 1], relative error 1e-7.
LLR_INLINE float log_of_one_plus(float t) {
  float p = -0.00446621142f;
  p = p * t + 0.0252240542f;
  p = p * t + -0.0667577237f;
  p = p * t + 0.115618452f;
  p = p * t + -0.158475652f;
  p = p * t + 0.19854106f;
  p = p * t + -0.249865264f;
  p = p * t + 0.333328426f;
  p = p * t + -0.49999997f;
  return p * t * t + t;
}

LLR_INLINE float softplus(float x) {
  return (x > 0.0f ? x : 0.0f) + log_of_one_plus(exp_of_minus(__builtin_fabsf(x)));
}

struct Sigmoid {
  float value;
  float complement;  // 1 − value, as exact as value is
};

LLR_INLINE Sigmoid sigmoid(float x) {
  const float t = exp_of_minus(__builtin_fabsf(x));
  const float larger = 1.0f / (1.0f + t);
  const float smaller = t * larger;
  // Two selections of numbers, not one of structures: clang makes a branch of that.
  const float value = x > 0.0f ? larger : smaller;
  const float complement = x > 0.0f ? smaller : larger;
  return {value, complement};
}

// One loop, three versions.

// A stretch of the operands: tensors of one shape, and the scale and shift of each element.
struct Span {
  const float* in[4];
  const float* scale;
  const float* shift;
  float* out;
  std::int64_t size;
};

using Loop = void (*)(Span);

template <typename Function>
LLR_INLINE void each(const Span& span) {
  const Span s = span;
  float* const y = s.out;
  const std::int64_t size = s.size;
  LLR_INDEPENDENT
  for (std::int64_t i = 0; i < size; ++i) y[i] = Function::at(s, i);
}

#if defined(__x86_64__)
template <typename Function>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma" LLR_WIDE))) void each_avx512(Span span) {
  each<Function>(span);
}

template <typename Function>
__attribute__((target("avx2,fma"))) void each_avx2(Span span) {
  each<Function>(span);
}
#endif

template <typename Function>
void each_baseline(Span span) {
  each<Function>(span);
}

template <typename Function>
Loop best() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return each_avx512<Function>;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return each_avx2<Function>;
#endif
  return each_baseline<Function>;
}

// work(first, last) for stretches of the blocks, on TensorFlow's worker threads.
template <typename Work>
void in_parallel(OpKernelContext* context, std::int64_t blocks, std::int64_t cycles_per_block, Work work) {
  using tensorflow::thread::ThreadPool;
  const auto adaptive = ThreadPool::SchedulingParams::Adaptive(cycles_per_block);
  context->device()->tensorflow_cpu_worker_threads()->workers->ParallelFor(blocks, adaptive, work);
}

class Kernel : public OpKernel {
 public:
  using OpKernel::OpKernel;

 protected:
  template <typename... Parts>
  absl::Status invalid(const Parts&... parts) const {
    return absl::InvalidArgumentError(absl::StrCat(type_string(), parts...));
  }
};

// The shortest run of whole pixels that is long enough for a loop.
std::int64_t whole_pixels(std::int64_t channels, std::int64_t at_least) {
  return channels * std::max<std::int64_t>(1, (at_least + channels - 1) / channels);
}

// Elementwise ops.

// What softplus is taken of: an operand, or an operand times scale plus shift.
template <bool affine, int operand>
LLR_INLINE float argument(const Span& s, std::int64_t i) {
  return affine ? s.in[operand][i] * s.scale[i] + s.shift[i] : s.in[operand][i];
}

template <bool of_affine>
struct Softplus {
  static constexpr int tensors = 1;
  static constexpr bool affine = of_affine;
  static constexpr int cycles = 3;
  static LLR_INLINE float at(const Span& s, std::int64_t i) { return softplus(argument<affine, 0>(s, i)); }
};

template <bool of_affine>
struct SoftplusGrad {
  static constexpr int tensors = 2;
  static constexpr bool affine = of_affine;
  static constexpr int cycles = 3;
  static LLR_INLINE float at(const Span& s, std::int64_t i) {
    return s.in[0][i] * sigmoid(argument<affine, 1>(s, i)).value;
  }
};

template <bool of_affine>
struct SoftplusGradGrad {
  static constexpr int tensors = 3;
  static constexpr bool affine = of_affine;
  static constexpr int cycles = 4;
  static LLR_INLINE float at(const Span& s, std::int64_t i) {
    const Sigmoid slope = sigmoid(argument<affine, 2>(s, i));
    return s.in[0][i] * s.in[1][i] * (slope.value * slope.complement);
  }
};

template <bool of_affine>
struct SoftplusSecondGrad {
  static constexpr int tensors = 4;
  static constexpr bool affine = of_affine;
  static constexpr int cycles = 4;
  static LLR_INLINE float at(const Span& s, std::int64_t i) {
    const Sigmoid slope = sigmoid(argument<affine, 1>(s, i));
    return (s.in[0][i] + s.in[2][i] * s.in[3][i] * slope.complement) * slope.value;
  }
};

struct Affine {
  static constexpr int tensors = 1;
  static constexpr bool affine = true;
  static constexpr int cycles = 1;
  static LLR_INLINE float at(const Span& s, std::int64_t i) { return s.in[0][i] * s.scale[i] + s.shift[i]; }
};

struct AffineSoftplusGrad {
  static constexpr int tensors = 2;
  static constexpr bool affine = true;
  static constexpr int cycles = 4;
  static LLR_INLINE float at(const Span& s, std::int64_t i) {
    const float z = s.in[1][i] * s.scale[i] + s.shift[i];
    return s.in[0][i] * sigmoid(z).value * s.scale[i];
  }
};

template <typename Function>
class Elementwise : public Kernel {
 public:
  using Kernel::Kernel;

  void Compute(OpKernelContext* context) override {
    const TensorShape& shape = context->input(0).shape();
    for (int i = 1; i < Function::tensors; ++i) {
      OP_REQUIRES(context, context->input(i).shape() == shape,
                  invalid(": input ", i, " has the shape ", context->input(i).shape().DebugString(), ", input 0 ",
                          shape.DebugString()));
    }
    const std::int64_t size = shape.num_elements();
    std::int64_t block = 2048;
    std::vector<float> scale, shift;
    if (Function::affine) {
      const std::int64_t channels = shape.dims() > 0 ? shape.dim_size(shape.dims() - 1) : 1;
      for (int i = 0; i < 2; ++i) {
        const Tensor& per_channel = context->input(Function::tensors + i);
        OP_REQUIRES(context, per_channel.NumElements() == channels,
                    invalid(": ", i == 0 ? "scale" : "shift", " has ", per_channel.NumElements(), " values for ",
                            channels, " channels"));
      }
      if (size > 0) {
        block = std::min(size, whole_pixels(channels, 1024));
        scale = repeated(context->input(Function::tensors), block);
        shift = repeated(context->input(Function::tensors + 1), block);
      }
    }

    // Before an output takes an input's buffer: what is read is read at the index that is written.
    Span whole{};
    for (int i = 0; i < Function::tensors; ++i) whole.in[i] = static_cast<const float*>(context->input(i).data());
    std::vector<int> candidates;
    for (int i = 0; i < Function::tensors; ++i) candidates.push_back(i);
    Tensor* output = nullptr;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output(candidates, 0, shape, &output));
    if (size == 0) return;
    whole.out = static_cast<float*>(output->data());
    whole.scale = scale.data();
    whole.shift = shift.data();

    static const Loop loop = best<Function>();
    const auto stretch = [&whole, size](std::int64_t from, std::int64_t to) {
      Span span = whole;
      for (int i = 0; i < Function::tensors; ++i) span.in[i] += from;
      span.out += from;
      span.size = std::min(size, to) - from;
      loop(span);
    };
    in_parallel(context, (size + block - 1) / block, block * Function::cycles,
                [&](std::int64_t first, std::int64_t last) {
                  if (!Function::affine) return stretch(first * block, last * block);
                  for (std::int64_t b = first; b < last; ++b) stretch(b * block, (b + 1) * block);
                });
  }

 private:
  // Values of the channels, over and over: as long as a block, so that its loop runs straight through.
  static std::vector<float> repeated(const Tensor& per_channel, std::int64_t length) {
    const float* values = static_cast<const float*>(per_channel.data());
    const std::int64_t channels = per_channel.NumElements();
    std::vector<float> all(length);
    for (std::int64_t i = 0; i < length; i += channels) std::copy_n(values, channels, all.data() + i);
    return all;
  }
};

// Sums over all but the channels: in float32 within a block, then in float64.

constexpr std::int64_t block_values = 32768;
constexpr std::int64_t row_values = 512;

// Runs an accumulating loop over a block, a row of pixels at a time: totals += …
void accumulate(Loop loop, const float* x, const float* y, std::int64_t size, std::vector<float>& totals,
                const std::vector<float>& shift) {
  const std::int64_t row = static_cast<std::int64_t>(totals.size());
  Span span{};
  span.shift = shift.data();
  span.out = totals.data();
  for (std::int64_t i = 0; i < size; i += row) {
    span.in[0] = x + i;
    span.in[1] = y + i;
    span.size = std::min(row, size - i);
    loop(span);
  }
}

// Adds up what belongs to one channel.
void fold(const std::vector<float>& totals, std::int64_t channels, double* out) {
  std::fill_n(out, channels, 0.0);
  for (std::size_t i = 0; i < totals.size(); i += channels) {
    for (std::int64_t c = 0; c < channels; ++c) out[c] += totals[i + c];
  }
}

// out += in − shift
struct Deviation {
  static LLR_INLINE float at(const Span& s, std::int64_t i) { return s.out[i] + (s.in[0][i] - s.shift[i]); }
};

// out += (in − shift)²
struct SquaredDeviation {
  static LLR_INLINE float at(const Span& s, std::int64_t i) {
    const float d = s.in[0][i] - s.shift[i];
    return s.out[i] + d * d;
  }
};

// Each channel's mean and squared deviations from it: of blocks that stay in the cache, first, the mean as a
// deviation from the first pixel, so that little is rounded; then, in float64, of all blocks.
class Moments : public Kernel {
 public:
  using Kernel::Kernel;

  void Compute(OpKernelContext* context) override {
    const Tensor& input = context->input(0);
    OP_REQUIRES(context, input.dims() > 0 && input.NumElements() > 0,
                invalid(": x has the shape ", input.shape().DebugString(),
                        "; it needs channels, and at least one value of each"));
    const float* x = static_cast<const float*>(input.data());
    const std::int64_t size = input.NumElements();
    const std::int64_t channels = input.dim_size(input.dims() - 1);
    const std::int64_t block = whole_pixels(channels, block_values);
    const std::int64_t blocks = (size + block - 1) / block;
    std::vector<double> means(blocks * channels), squares(blocks * channels);
    in_parallel(context, blocks, block * 2, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        const std::int64_t from = b * block;
        of_block(x + from, std::min(block, size - from), channels, &means[b * channels], &squares[b * channels]);
      }
    });

    Tensor* mean = nullptr;
    Tensor* variance = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, TensorShape({channels}), &mean));
    OP_REQUIRES_OK(context, context->allocate_output(1, TensorShape({channels}), &variance));
    const double pixels = static_cast<double>(size / channels);
    const auto weight = [&](std::int64_t b) {
      return static_cast<double>(std::min(block, size - b * block) / channels) / pixels;
    };
    std::vector<double> centre(channels), spread(channels);
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t c = 0; c < channels; ++c) centre[c] += weight(b) * means[b * channels + c];
    }
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t c = 0; c < channels; ++c) {
        const double d = means[b * channels + c] - centre[c];
        spread[c] += squares[b * channels + c] / pixels + weight(b) * d * d;
      }
    }
    std::copy(centre.begin(), centre.end(), static_cast<float*>(mean->data()));
    std::copy(spread.begin(), spread.end(), static_cast<float*>(variance->data()));
  }

 private:
  static void of_block(const float* x, std::int64_t size, std::int64_t channels, double* mean, double* squares) {
    static const Loop deviation = best<Deviation>();
    static const Loop squared_deviation = best<SquaredDeviation>();
    const std::int64_t row = std::min(size, whole_pixels(channels, row_values));
    const double pixels = static_cast<double>(size / channels);
    std::vector<float> totals(row), shift(row);
    for (std::int64_t i = 0; i < row; ++i) shift[i] = x[i % channels];
    accumulate(deviation, x, x, size, totals, shift);
    fold(totals, channels, mean);
    for (std::int64_t c = 0; c < channels; ++c) mean[c] = x[c] + mean[c] / pixels;
    for (std::int64_t i = 0; i < row; ++i) shift[i] = static_cast<float>(mean[i % channels]);
    std::fill(totals.begin(), totals.end(), 0.0f);
    accumulate(squared_deviation, x, x, size, totals, shift);
    fold(totals, channels, squares);
  }
};

// out += in
struct Total {
  static LLR_INLINE float at(const Span& s, std::int64_t i) { return s.out[i] + s.in[0][i]; }
};

// out += in · in
struct TotalProduct {
  static LLR_INLINE float at(const Span& s, std::int64_t i) { return s.out[i] + s.in[0][i] * s.in[1][i]; }
};

class ChannelSums : public Kernel {
 public:
  using Kernel::Kernel;

  void Compute(OpKernelContext* context) override {
    const TensorShape& shape = context->input(0).shape();
    OP_REQUIRES(context, shape.dims() > 0 && context->input(1).shape() == shape,
                invalid(": a has the shape ", shape.DebugString(), ", b ", context->input(1).shape().DebugString(),
                        "; they need channels, and one shape"));
    const float* a = static_cast<const float*>(context->input(0).data());
    const float* b = static_cast<const float*>(context->input(1).data());
    const std::int64_t size = shape.num_elements();
    const std::int64_t channels = shape.dim_size(shape.dims() - 1);
    Tensor* outputs[2];
    for (int o = 0; o < 2; ++o) {
      OP_REQUIRES_OK(context, context->allocate_output(o, TensorShape({channels}), &outputs[o]));
    }
    if (channels == 0) return;

    static const Loop loops[2] = {best<Total>(), best<TotalProduct>()};
    const std::int64_t block = whole_pixels(channels, block_values);
    const std::int64_t blocks = (size + block - 1) / block;
    std::vector<double> sums[2] = {std::vector<double>(blocks * channels), std::vector<double>(blocks * channels)};
    in_parallel(context, blocks, block, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) {
        const std::int64_t from = i * block;
        const std::int64_t length = std::min(block, size - from);
        for (int o = 0; o < 2; ++o) {
          std::vector<float> totals(std::min(length, whole_pixels(channels, row_values)));
          accumulate(loops[o], a + from, b + from, length, totals, {});
          fold(totals, channels, &sums[o][i * channels]);
        }
      }
    });
    for (int o = 0; o < 2; ++o) {
      std::vector<double> all(channels);
      for (std::int64_t i = 0; i < blocks; ++i) {
        for (std::int64_t c = 0; c < channels; ++c) all[c] += sums[o][i * channels + c];
      }
      std::copy(all.begin(), all.end(), static_cast<float*>(outputs[o]->data()));
    }
  }
};

// Shapes.

// The first `tensors` inputs, and the output, have one shape.
template <int tensors>
absl::Status same_shape(InferenceContext* context) {
  ShapeHandle shape = context->input(0);
  for (int i = 1; i < tensors; ++i) TF_RETURN_IF_ERROR(context->Merge(shape, context->input(i), &shape));
  context->set_output(0, shape);
  return absl::OkStatus();
}

// All inputs have one shape; both outputs are as long as its last axis.
template <int tensors>
absl::Status channels_twice(InferenceContext* context) {
  TF_RETURN_IF_ERROR(same_shape<tensors>(context));
  ShapeHandle shape;
  TF_RETURN_IF_ERROR(context->WithRankAtLeast(context->output(0), 1, &shape));
  for (int i = 0; i < 2; ++i) context->set_output(i, context->Vector(context->Dim(shape, -1)));
  return absl::OkStatus();
}

}  // namespace

// y = ln(1 + eˣ)
REGISTER_OP("LlrSoftplus").Input("x: float").Output("y: float").SetShapeFn(same_shape<1>);
REGISTER_KERNEL_BUILDER(Name("LlrSoftplus").Device(DEVICE_CPU), Elementwise<Softplus<false>>);

// dx = dy · σ(x)
REGISTER_OP("LlrSoftplusGrad").Input("dy: float").Input("x: float").Output("dx: float").SetShapeFn(same_shape<2>);
REGISTER_KERNEL_BUILDER(Name("LlrSoftplusGrad").Device(DEVICE_CPU), Elementwise<SoftplusGrad<false>>);

// u · v · σ(x) · (1 − σ(x)): what v · σ(x) passes on to x, given u
REGISTER_OP("LlrSoftplusGradGrad")
    .Input("u: float")
    .Input("v: float")
    .Input("x: float")
    .Output("dx: float")
    .SetShapeFn(same_shape<3>);
REGISTER_KERNEL_BUILDER(Name("LlrSoftplusGradGrad").Device(DEVICE_CPU), Elementwise<SoftplusGradGrad<false>>);

// dy · σ(x) + u · v · σ(x) · (1 − σ(x)): both of the above
REGISTER_OP("LlrSoftplusSecondGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("u: float")
    .Input("v: float")
    .Output("dx: float")
    .SetShapeFn(same_shape<4>);
REGISTER_KERNEL_BUILDER(Name("LlrSoftplusSecondGrad").Device(DEVICE_CPU), Elementwise<SoftplusSecondGrad<false>>);

// y = x · scale + shift; scale and shift have c values, in any shape
REGISTER_OP("LlrAffine")
    .Input("x: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("y: float")
    .SetShapeFn(same_shape<1>);
REGISTER_KERNEL_BUILDER(Name("LlrAffine").Device(DEVICE_CPU), Elementwise<Affine>);

// y = ln(1 + e^(x · scale + shift))
REGISTER_OP("LlrAffineSoftplus")
    .Input("x: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("y: float")
    .SetShapeFn(same_shape<1>);
REGISTER_KERNEL_BUILDER(Name("LlrAffineSoftplus").Device(DEVICE_CPU), Elementwise<Softplus<true>>);

// dx = dy · σ(x · scale + shift) · scale
REGISTER_OP("LlrAffineSoftplusGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("dx: float")
    .SetShapeFn(same_shape<2>);
REGISTER_KERNEL_BUILDER(Name("LlrAffineSoftplusGrad").Device(DEVICE_CPU), Elementwise<AffineSoftplusGrad>);

// The derivatives above, of softplus at x · scale + shift with respect to that sum
REGISTER_OP("LlrAffineSoftplusSlope")
    .Input("dy: float")
    .Input("x: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("dz: float")
    .SetShapeFn(same_shape<2>);
REGISTER_KERNEL_BUILDER(Name("LlrAffineSoftplusSlope").Device(DEVICE_CPU), Elementwise<SoftplusGrad<true>>);

REGISTER_OP("LlrAffineSoftplusGradGrad")
    .Input("u: float")
    .Input("v: float")
    .Input("x: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("dz: float")
    .SetShapeFn(same_shape<3>);
REGISTER_KERNEL_BUILDER(Name("LlrAffineSoftplusGradGrad").Device(DEVICE_CPU), Elementwise<SoftplusGradGrad<true>>);

REGISTER_OP("LlrAffineSoftplusSecondGrad")
    .Input("dy: float")
    .Input("x: float")
    .Input("u: float")
    .Input("v: float")
    .Input("scale: float")
    .Input("shift: float")
    .Output("dz: float")
    .SetShapeFn(same_shape<4>);
REGISTER_KERNEL_BUILDER(Name("LlrAffineSoftplusSecondGrad").Device(DEVICE_CPU), Elementwise<SoftplusSecondGrad<true>>);

// Mean and biased variance of each channel of x: [..., c]
REGISTER_OP("LlrMoments")
    .Input("x: float")
    .Output("mean: float")
    .Output("variance: float")
    .SetShapeFn(channels_twice<1>);
REGISTER_KERNEL_BUILDER(Name("LlrMoments").Device(DEVICE_CPU), Moments);

// Σ a and Σ a · b over all axes but the last: what a shift and a scale of each channel are passed, where b is scaled
REGISTER_OP("LlrChannelSums")
    .Input("a: float")
    .Input("b: float")
    .Output("sum: float")
    .Output("product: float")
    .SetShapeFn(channels_twice<2>);
REGISTER_KERNEL_BUILDER(Name("LlrChannelSums").Device(DEVICE_CPU), ChannelSums);

}  // namespace llr
