#include "pipeline/aggregate/figures.h"

namespace troupe::aggregate {
namespace {

std::string full(const char* name) {
  return std::string("troupe_stream_aggregation_") + name;
}

}  // namespace

rule_figures::rule_figures(registry& m, const std::string& rule)
    : forced(m.get_counter(full("forced_intervals_total"),
                           "Times that steps were closed after the longest wait.",
                           {{"rule", rule}})),
      refused_outputs(m.get_counter(full("refused_outputs_total"),
                                    "Output samples that storage refused.", {{"rule", rule}})),
      lag_seconds(m.get_gauge(full("lag_seconds"), "How far closed intervals are behind the clock.",
                              {{"rule", rule}})),
      samples_(m.get_counter(full("samples_total"), "Samples of series that the rule matches.",
                             {{"rule", rule}})),
      late_(m.get_counter(full("late_samples_total"),
                          "Samples that came after their interval was closed.", {{"rule", rule}})),
      duplicates_(m.get_counter(full("duplicate_samples_total"),
                                "Samples of a time that the series had, or by dedup_interval.",
                                {{"rule", rule}})),
      outputs_(m.get_counter(full("outputs_total"), "Output samples.", {{"rule", rule}})),
      intervals_(m.get_counter(full("intervals_total"), "Intervals closed that had outputs.",
                               {{"rule", rule}})),
      inputs_(m.get_gauge(full("inputs"), "Input series that are known.", {{"rule", rule}})),
      groups_(m.get_gauge(full("groups"), "Groups of input series.", {{"rule", rule}})),
      waiting_(m.get_gauge(full("waiting_samples"), "Samples that wait for their interval's end.",
                           {{"rule", rule}})) {}

void rule_figures::publish(const aggregator& a) {
  const aggregator_counts& now = a.counts();
  const auto add = [](counter& c, uint64_t is, uint64_t was) {
    c.add(static_cast<double>(is - was));
  };
  add(samples_, now.samples, published_.samples);
  add(late_, now.late, published_.late);
  add(duplicates_, now.duplicates, published_.duplicates);
  add(outputs_, now.outputs, published_.outputs);
  add(intervals_, now.intervals, published_.intervals);
  published_ = now;
  inputs_.set(static_cast<double>(a.inputs()));
  groups_.set(static_cast<double>(a.groups()));
  waiting_.set(static_cast<double>(a.waiting()));
}

void rule_figures::reset() {
  published_ = {};
  for (gauge* g : {&inputs_, &groups_, &waiting_, &lag_seconds})
    g->set(0);
}

}  // namespace troupe::aggregate
