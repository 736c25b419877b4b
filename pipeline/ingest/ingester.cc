#include "pipeline/ingest/ingester.h"

#include "storage/base/fault_twin.h"

#include <utility>

namespace troupe::ingest {

std::vector<std::string> growth_refusals(const storage::append_report& r) {
  std::vector<std::string> out;
  const auto add = [&](uint64_t samples, std::string_view why) {
    if (samples != 0)
      out.push_back(std::to_string(samples) + " samples of new series " + std::string(why));
  };
  add(r.new_series_refused, "are over the series limit");
  add(r.over_budget, "are over the series budget " + (r.budget ? *r.budget : std::string()));
  add(r.no_memory, "do not fit into memory (--storage.memory-limit)");
  return out;
}

ingester::ingester(storage::shard_appender& door, registry& m, uint32_t shard)
    : door_(door),
      samples_(m.get_counter("troupe_ingest_samples_total", "Samples newly stored.",
                             {{"shard", std::to_string(shard)}})),
      duplicates_(m.get_counter("troupe_ingest_duplicates_total",
                                "Samples that were stored already, bit for bit.",
                                {{"shard", std::to_string(shard)}})),
      conflicts_(m.get_counter("troupe_ingest_conflicts_total",
                               "Samples whose timestamp had another value; one winner was kept.",
                               {{"shard", std::to_string(shard)}})),
      out_of_order_(m.get_counter("troupe_ingest_out_of_order_total",
                                  "Samples stored behind a newer one.",
                                  {{"shard", std::to_string(shard)}})),
      too_old_(m.get_counter("troupe_ingest_refused_total", "Samples refused.",
                             {{"reason", "too_old"}, {"shard", std::to_string(shard)}})),
      too_new_(m.get_counter("troupe_ingest_refused_total", "Samples refused.",
                             {{"reason", "too_far_in_future"}, {"shard", std::to_string(shard)}})),
      series_refused_(
          m.get_counter("troupe_ingest_refused_total", "Samples refused.",
                        {{"reason", "series_limit"}, {"shard", std::to_string(shard)}})),
      over_budget_(m.get_counter("troupe_ingest_refused_total", "Samples refused.",
                                 {{"reason", "series_budget"}, {"shard", std::to_string(shard)}})),
      no_memory_(m.get_counter("troupe_ingest_refused_total", "Samples refused.",
                               {{"reason", "memory_limit"}, {"shard", std::to_string(shard)}})),
      batches_(m.get_counter("troupe_ingest_batches_total", "Batches offered.",
                             {{"shard", std::to_string(shard)}})),
      commits_(m.get_counter("troupe_ingest_commits_total", "Group commits.",
                             {{"shard", std::to_string(shard)}})),
      failures_(m.get_counter("troupe_ingest_failures_total",
                              "Batches not stored because of an error.",
                              {{"shard", std::to_string(shard)}})),
      commit_batches_(m.get_histogram("troupe_ingest_commit_batches", "Batches per group commit.",
                                      {1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
                                      {{"shard", std::to_string(shard)}})) {}

outcome ingester::append(const batch_ptr& batch) {
  batches_.add();
  auto report = door_.append(batch);
  if (!report.ok()) {
    failures_.add();
    if (report.code() == errc::io_error)
      broken_ = report.error();
    return {report.error(), {}};
  }
  if (report->refused() != 0) {
    too_old_.add(static_cast<double>(report->too_old));
    too_new_.add(static_cast<double>(report->too_far_in_future));
    series_refused_.add(static_cast<double>(report->new_series_refused));
    over_budget_.add(static_cast<double>(report->over_budget));
    no_memory_.add(static_cast<double>(report->no_memory));
  }
  return {{}, *report};
}

bool ingester::offer(std::span<const batch_ptr> batches, reply done) {
  std::vector<outcome> outcomes;
  outcomes.reserve(batches.size());
  bool any = false;
  for (const auto& b : batches) {
    outcomes.push_back(append(b));
    any = any || outcomes.back().error.ok();
  }
  if (!any) {
    done(std::move(outcomes));
    return !waiting_.empty();
  }
  if (TROUPE_FAULT(ack_early)) {
    done(outcomes);
    done = [](const std::vector<outcome>&) {};
  }
  waiting_.push_back({std::move(outcomes), std::move(done)});
  return true;
}

status ingester::commit() {
  if (waiting_.empty())
    return {};
  auto answered = std::exchange(waiting_, {});
  status s = door_.commit();
  size_t stored = 0;
  for (waiter& w : answered) {
    for (outcome& o : w.outcomes) {
      if (!o.error.ok())
        continue;
      ++stored;
      if (!s.ok())
        o = {s, {}};
    }
  }
  commits_.add();
  commit_batches_.observe(static_cast<double>(stored));
  if (!s.ok())
    failures_.add(static_cast<double>(stored));
  else
    publish_totals();
  for (waiter& w : answered)
    w.done(std::move(w.outcomes));
  return s.code() == errc::no_space ? status{} : s;
}

void ingester::publish_totals() {
  auto now = door_.counts();
  samples_.add(static_cast<double>(now.stored - published_.stored));
  duplicates_.add(static_cast<double>(now.duplicates - published_.duplicates));
  conflicts_.add(static_cast<double>(now.conflicts - published_.conflicts));
  out_of_order_.add(static_cast<double>(now.out_of_order - published_.out_of_order));
  published_ = now;
}

}  // namespace troupe::ingest
