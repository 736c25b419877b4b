#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"
#include "query/engine/histogram_sum.h"

namespace troupe::query {
namespace {

template <class Accumulator>
void accumulate(const range_input& in, uint32_t step, step_scratch& out) {
  Accumulator total;
  for (uint32_t i = in.hlo[step]; i < in.hhi[step]; ++i) {
    if (!total.add(*in.histograms[i].value)) {
      in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
      return;
    }
  }
  total.annotate(in.pos, in.notes);
  out.set(step, total.value());
}

}  // namespace

void histogram_sum_over_time(const range_input& in, uint32_t step, step_scratch& out) {
  accumulate<histogram_sum>(in, step, out);
}

void histogram_avg_over_time(const range_input& in, uint32_t step, step_scratch& out) {
  accumulate<histogram_mean>(in, step, out);
}

}  // namespace troupe::query
