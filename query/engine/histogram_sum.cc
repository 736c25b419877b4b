#include "query/engine/histogram_sum.h"

namespace troupe::query {

void histogram_accumulator::see(const histogram& h) {
  reset_ = reset_ || h.hint == counter_reset_hint::reset;
  not_reset_ = not_reset_ || h.hint == counter_reset_hint::not_reset;
}

bool histogram_accumulator::see(const combine_result& r) {
  reconciled_ = reconciled_ || r.reconciled;
  return r.compatible;
}

void histogram_accumulator::annotate(position_range pos, annotations& notes) const {
  if (reset_ && not_reset_)
    notes.warn(note::counter_reset_collision("aggregation"), pos);
  if (reconciled_)
    notes.info(note::mismatched_custom_buckets("aggregation"), pos);
}

bool histogram_sum::add(const histogram& h) {
  see(h);
  if (!total_) {
    total_.emplace(h);
    return true;
  }
  return see(total_->kahan_add(h));
}

bool histogram_mean::add(const histogram& h) {
  see(h);
  ++count_;
  if (!total_) {
    total_.emplace(h);
    return true;
  }
  if (!incremental_) {
    wide_histogram sum = *total_;
    if (!see(sum.kahan_add(h)))
      return false;
    if (!sum.overflows()) {
      total_ = std::move(sum);
      return true;
    }
    incremental_ = true;
    total_->div(count_ - 1);
  }
  total_->mul((count_ - 1) / count_);
  wide_histogram part(h);
  part.div(count_);
  return see(total_->kahan_add(part));
}

histogram_ptr histogram_mean::value() const {
  if (incremental_)
    return total_->build();
  wide_histogram mean = *total_;
  mean.div(count_);
  return mean.build();
}

}  // namespace troupe::query
