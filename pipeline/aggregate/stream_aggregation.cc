#include "pipeline/aggregate/stream_aggregation.h"

#include "pipeline/send/lane.h"
#include "storage/base/hash.h"
#include "storage/base/log.h"

#include <algorithm>

namespace troupe::aggregate {
namespace {

const logger out_log("stream_aggregation");

constexpr size_t read_budget_bytes = 4 << 20;
constexpr int64_t begin_again_ms = 1'000;
/// Batches that wait to be stored; with more nothing is closed.
constexpr size_t most_pending = 256;
/// Outputs of one interval in a batch.
constexpr size_t most_in_batch = 20'000;
constexpr uint64_t most_decision_bytes = 4 << 20;
constexpr uint64_t hold_limit_bytes = 16ULL << 30;
constexpr double ms_per_s = 1000;
constexpr int64_t upkeep_ms = 1'000;
constexpr size_t spare_entries = 1'000;

std::string hold_name(uint32_t shard) {
  return "stream_aggregation/" + std::to_string(shard);
}

}  // namespace

struct stream_aggregation::active_rule {
  rule_ptr definition;
  std::unique_ptr<aggregator> work;
  rule_figures metrics;
  /// The tables of the last interval's batches: most of the time the next one has the same series.
  std::vector<series_table_ptr> tables;
};

stream_aggregation::stream_aggregation(aggregation_options options, aggregation_environment env)
    : options_(options),
      env_(std::move(env)),
      journal_(*env_.files, join_path(env_.folder, "state")),
      errors_(env_.metrics->get_counter("troupe_stream_aggregation_errors_total",
                                        "Failures to read the log or to write the state.")),
      damaged_(env_.metrics->get_counter("troupe_stream_aggregation_damaged_samples_total",
                                         "Samples that damage of the log has taken.")),
      held_log_(env_.metrics->get_gauge("troupe_stream_aggregation_log_bytes",
                                        "Bytes of the log that the next start reads again.")) {}

stream_aggregation::~stream_aggregation() = default;

uint64_t stream_aggregation::batch_group() {
  static const uint64_t hash = xxh3("troupe.stream_aggregation");
  return hash;
}

void stream_aggregation::note_error(const std::string& what, const status& s) {
  errors_.add();
  std::string text = what + ": " + s.to_string();
  if (text != last_error_)
    out_log.error("{}", text);
  last_error_ = std::move(text);
}

void stream_aggregation::apply(std::vector<config::aggregation_config> rules) {
  if (!changed_ && restored_ && rules == conf_)
    return;
  conf_ = std::move(rules);
  changed_ = true;
}

void stream_aggregation::forget() {
  log_.reset();
  set_rules(0, {});
  decisions_.clear();
  early_.clear();
  pending_.clear();
  for (const auto& name : env_.log->holds())
    if (name.starts_with("stream_aggregation/"))
      if (const status s = env_.log->release(name); !s.ok())
        note_error("cannot release a hold on the log", s);
  if (const status s = journal_.remove(); !s.ok())
    note_error("cannot remove the state", s);
}

status stream_aggregation::begin(timestamp_ms now) {
  next_begin_ = now + begin_again_ms;
  TROUPE_TRY(env_.files->create_directories(env_.folder));
  auto had = journal_.load();
  if (!had.ok() && had.code() != errc::corruption)
    return had.error();
  if (!had.ok())
    note_error("the rules begin anew", had.error());
  journal_contents from;
  if (had.ok() && *had) {
    from = std::move(**had);
  } else {
    // Held before looking: nothing may go in between.
    for (uint32_t i = 0; i < env_.log->shard_count(); ++i)
      TROUPE_TRY(env_.log->hold(hold_name(i), i, env_.log->end(i), hold_limit_bytes));
    from.base.at = send::lane::begin_of_run(*env_.log);
    if (!first_) {
      TROUPE_ASSIGN(from.base.at, send::lane::begin_at_end(*env_.log));
    }
  }
  return restore(now, std::move(from));
}

status stream_aggregation::restore(timestamp_ms now, journal_contents had) {
  log_ = std::make_unique<log_follower>(*env_.log, had.base.at);
  known_.assign(env_.log->shard_count(), {});
  cut_ = had.base.at.next;
  decisions_.assign(std::make_move_iterator(had.since.begin()),
                    std::make_move_iterator(had.since.end()));
  if (!decisions_.empty())
    for (const auto& a : decisions_.front().read)
      cut_[a.slot] = a.next;
  set_rules(now, had.base.rules);
  started_ = now;
  first_ = false;
  restored_ = true;
  changed_ = false;
  snapshot_due_ = true;
  return {};
}

void stream_aggregation::set_rules(timestamp_ms now, const std::vector<rule_state>& had) {
  auto before = std::exchange(rules_, {});
  forget_entries();
  for (const auto& c : conf_) {
    auto definition = rule::make(c);
    if (!definition.ok()) {
      note_error("rule " + c.name, definition.error());
      continue;
    }
    const uint64_t id = (*definition)->fingerprint();
    const auto same = std::find_if(before.begin(), before.end(), [&](const auto& r) {
      return r && r->definition->fingerprint() == id;
    });
    if (same != before.end()) {
      (*same)->definition = *definition;
      rules_.push_back(std::move(*same));
      continue;
    }
    std::unique_ptr<aggregator> work;
    const auto state =
        std::find_if(had.begin(), had.end(), [&](const auto& s) { return s.rule == id; });
    if (state != had.end()) {
      auto decoded = aggregator::decode(*definition, state->bytes);
      if (decoded.ok())
        work = std::move(*decoded);
      else
        note_error("rule " + c.name + " begins anew", decoded.error());
    }
    if (!work)
      work = std::make_unique<aggregator>(*definition, now);
    rules_.push_back(std::unique_ptr<active_rule>(
        new active_rule{*definition, std::move(work), rule_figures(*env_.metrics, c.name), {}}));
  }
  for (const auto& gone : before) {
    if (!gone)
      continue;
    for (auto& p : pending_)
      if (p.rule == gone.get())
        p.rule = nullptr;
    gone->metrics.reset();
  }
}

stream_aggregation::entry* stream_aggregation::find(uint32_t shard, const storage::wal_batch& batch,
                                                    uint32_t series) {
  auto& table = known_[shard];
  if (table.size() <= series)
    table.resize(std::max<size_t>(series + 1, batch.dictionary->size()));
  known& k = table[series];
  const labels& lset = batch.series(series).lset;
  if (!k.series.empty() && k.series.same_object(lset))
    return k.matched;
  k = {lset, nullptr};
  std::vector<target> targets;
  for (const auto& r : rules_)
    if (r->definition->matches(lset))
      targets.push_back({r.get()});
  if (targets.empty())
    return nullptr;
  const labels packed = lset.packed();
  const auto [at, made] = by_series_.try_emplace(packed, nullptr);
  if (made)
    at->second = &entries_.emplace_back(entry{packed, std::move(targets)});
  k.matched = at->second;
  return k.matched;
}

void stream_aggregation::add(entry& e, const sample& s) {
  for (target& t : e.targets)
    t.input = t.rule->work->add(t.input, e.series, s.ts, s.value);
}

void stream_aggregation::take_batch(uint32_t shard, const storage::wal_batch& batch) {
  if (!batch.tenant.empty() || batch.group == batch_group())
    return;
  const send::place at{batch.epoch, batch.sequence, 0};
  const bool is_early = !decisions_.empty() && at >= cut_[batch.slot];
  for (const auto& f : batch.floats) {
    entry* e = find(shard, batch, f.series);
    if (e == nullptr)
      continue;
    if (is_early)
      early_.push_back({e, at, batch.slot, {f.ts, f.value}});
    else
      add(*e, {f.ts, f.value});
  }
}

void stream_aggregation::replay(bool at_end) {
  while (!decisions_.empty()) {
    const auto& next = log_->next();
    const bool reached = std::equal(next.begin(), next.end(), cut_.begin(),
                                    [](const auto& is, const auto& to) { return is >= to; });
    // What damage has taken from the log is not waited for.
    if (!reached && !at_end)
      return;
    for (const auto& c : decisions_.front().closed)
      for (const auto& r : rules_)
        if (r->definition->fingerprint() == c.rule)
          close(*r, c.up_to);
    decisions_.pop_front();
    if (!decisions_.empty())
      for (const auto& a : decisions_.front().read)
        cut_[a.slot] = a.next;
    const auto rest = std::stable_partition(early_.begin(), early_.end(), [&](const early& e) {
      return decisions_.empty() || e.at < cut_[e.slot];
    });
    for (auto e = early_.begin(); e != rest; ++e)
      add(*e->series, e->value);
    early_.erase(early_.begin(), rest);
  }
}

void stream_aggregation::close(active_rule& r, timestamp_ms up_to) {
  while (r.work->closed() + r.definition->step_ms() <= up_to) {
    const auto done = r.work->close_step();
    if (!done)
      continue;
    size_t number = 0;
    for (size_t first = 0; first < done->outputs.size(); first += most_in_batch, ++number) {
      const auto from = done->outputs.begin() + static_cast<ptrdiff_t>(first);
      const auto count = std::min(most_in_batch, done->outputs.size() - first);
      if (r.tables.size() <= number)
        r.tables.emplace_back();
      series_table_ptr& table = r.tables[number];
      const bool same = table && table->series.size() == count &&
                        std::equal(table->series.begin(), table->series.end(), from,
                                   [](const labels& l, const output_sample& o) {
                                     return l.same_object(o.series);
                                   });
      if (!same) {
        std::vector<labels> series;
        for (size_t i = 0; i < count; ++i)
          series.push_back(from[static_cast<ptrdiff_t>(i)].series);
        table = make_series_table("", std::move(series));
      }
      auto batch = std::make_shared<write_batch>();
      batch->group = batch_group();
      batch->table = table;
      for (size_t i = 0; i < count; ++i)
        batch->floats.push_back(
            {done->end, from[static_cast<ptrdiff_t>(i)].value, static_cast<uint32_t>(i)});
      pending_.push_back({std::move(batch), &r});
    }
  }
}

timestamp_ms stream_aggregation::due_until(const active_rule& r, timestamp_ms now,
                                           timestamp_ms complete_until) const {
  timestamp_ms until = std::min(complete_until, now);
  // What ended before the start waits for senders that come back.
  if (r.work->closed() + r.definition->step_ms() > started_ ||
      now - started_ >= options_.catch_up_wait_ms)
    until = std::max(until, now - r.definition->max_wait_ms());
  return until;
}

std::vector<send::advance> stream_aggregation::moved() const {
  std::vector<send::advance> out;
  for (uint16_t slot = 0; slot < slot_count; ++slot)
    if (log_->next()[slot] != cut_[slot])
      out.push_back({0, slot, log_->next()[slot]});
  return out;
}

void stream_aggregation::close_due(timestamp_ms now, timestamp_ms complete_until) {
  decision d;
  std::vector<active_rule*> due;
  for (const auto& r : rules_) {
    const int64_t unit = r->definition->step_ms();
    const timestamp_ms until = due_until(*r, now, complete_until);
    if (until < r->work->closed() + unit)
      continue;
    const timestamp_ms up_to = r->work->closed() + (until - r->work->closed()) / unit * unit;
    d.closed.push_back({r->definition->fingerprint(), up_to});
    due.push_back(r.get());
  }
  if (due.empty())
    return;
  d.read = moved();
  if (const status s = journal_.append(d); !s.ok()) {
    snapshot_due_ = true;
    if (s.code() != errc::unavailable)
      note_error("cannot write the state", s);
    return;
  }
  cut_ = log_->next();
  for (size_t i = 0; i < due.size(); ++i) {
    if (d.closed[i].up_to > complete_until)
      due[i]->metrics.forced.add();
    close(*due[i], d.closed[i].up_to);
  }
}

status stream_aggregation::write_snapshot(timestamp_ms now) {
  snapshot s{log_->at(), {}};
  for (const auto& r : rules_) {
    rule_state& state = s.rules.emplace_back(rule_state{r->definition->fingerprint(), {}});
    r->work->encode(state.bytes);
  }
  TROUPE_TRY(journal_.store(s));
  cut_ = s.at.next;
  snapshot_due_ = false;
  snapshot_at_ = now;
  held_ = s.at.from;
  for (uint32_t i = 0; i < held_.size(); ++i)
    TROUPE_TRY(env_.log->hold(hold_name(i), i, held_[i], hold_limit_bytes));
  // Series that are gone leave the tables.
  size_t inputs = 0;
  for (const auto& r : rules_)
    inputs += r->work->inputs();
  if (entries_.size() > 2 * inputs + spare_entries)
    forget_entries();
  return {};
}

void stream_aggregation::forget_entries() {
  by_series_.clear();
  entries_.clear();
  for (auto& shard : known_)
    shard.clear();
}

void stream_aggregation::keep_state(timestamp_ms now) {
  // The outputs of decisions that the snapshot would replace must be safe, and nothing may be in
  // it that belongs behind one.
  if (!pending_.empty() || !decisions_.empty() || !early_.empty())
    return;
  const bool due = snapshot_due_ || now - snapshot_at_ >= options_.snapshot_every_ms ||
                   journal_.appended() > most_decision_bytes ||
                   held_bytes_ >= options_.snapshot_log_bytes;
  if (!due)
    return;
  if (const status s = write_snapshot(now); !s.ok())
    note_error("cannot write the state", s);
}

bool stream_aggregation::step(timestamp_ms now, timestamp_ms complete_until) {
  if (conf_.empty()) {
    if (changed_)
      forget();
    changed_ = false;
    restored_ = true;
    first_ = false;
    return false;
  }
  if (!log_) {
    if (now < next_begin_)
      return false;
    if (const status s = begin(now); !s.ok()) {
      note_error("cannot begin", s);
      return false;
    }
  }
  const auto at_end = log_->read(
      read_budget_bytes, [this](uint32_t shard, const auto& batch) { take_batch(shard, batch); });
  if (!at_end.ok()) {
    note_error("cannot read the log", at_end.error());
    return false;
  }
  replay(*at_end);
  if (changed_ && decisions_.empty()) {
    set_rules(now, {});
    changed_ = false;
    snapshot_due_ = true;
  }
  keep_state(now);
  if (*at_end && decisions_.empty() && pending_.size() < most_pending)
    close_due(now, complete_until);
  if (now >= next_upkeep_)
    publish(now);
  return !*at_end;
}

std::vector<batch_ptr> stream_aggregation::take() {
  std::vector<batch_ptr> out;
  for (auto& p : pending_) {
    if (p.under_way)
      continue;
    p.under_way = true;
    out.push_back(p.batch);
  }
  return out;
}

void stream_aggregation::stored(const batch_ptr& batch, bool again, uint64_t refused) {
  const auto at = std::find_if(pending_.begin(), pending_.end(),
                               [&](const pending& p) { return p.batch == batch; });
  if (at == pending_.end())
    return;
  at->under_way = false;
  if (again)
    return;
  if (at->rule != nullptr)
    at->rule->metrics.refused_outputs.add(static_cast<double>(refused));
  pending_.erase(at);
}

void stream_aggregation::flush(timestamp_ms now) {
  if (!log_)
    return;
  snapshot_due_ = true;
  keep_state(now);
}

void stream_aggregation::publish(timestamp_ms now) {
  next_upkeep_ = now + upkeep_ms;
  for (const auto& r : rules_) {
    r->metrics.publish(*r->work);
    r->metrics.lag_seconds.set(static_cast<double>(now - r->work->closed()) / ms_per_s);
  }
  const uint64_t lost = log_->samples_lost();
  damaged_.add(static_cast<double>(lost - std::exchange(published_damage_, lost)));
  held_bytes_ = 0;
  for (uint32_t i = 0; i < held_.size(); ++i)
    held_bytes_ += env_.log->bytes_since(i, held_[i]);
  held_log_.set(static_cast<double>(held_bytes_));
}

}  // namespace troupe::aggregate
