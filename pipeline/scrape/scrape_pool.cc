#include "pipeline/scrape/scrape_pool.h"

#include "pipeline/scrape/schedule.h"
#include "storage/base/hash.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace troupe::scrape {
namespace {

constexpr size_t max_sent_metadata = 1'000'000;
constexpr int64_t max_step_back_ms = 1000;
constexpr int64_t largest_step_ms = 100;
/// With these 50 ms for intervals of a second and 100 ms for 2 s, 5 s, 10 s and so on: the usual
/// intervals are multiples of the step, so that a target is always late by the same.
constexpr int64_t steps_per_interval = 20;
/// A result may come late if that is little against the interval.
constexpr int64_t patient_interval_ms = 1000;
constexpr size_t prefetch_ahead = 8;
// Tokens: generation of the entry in the upper half, its index below.
constexpr unsigned index_bits = 32;

uint64_t key_of(std::string_view job, uint64_t target_id) {
  return xxh3(job, target_id);
}

int64_t step_of(int64_t shortest_interval_ms) {
  const int64_t slots = shortest_interval_ms / steps_per_interval / timer_wheel::slot_ms;
  return std::clamp(slots * timer_wheel::slot_ms, timer_wheel::slot_ms, largest_step_ms);
}

http::headers request_headers(const job_rules& job, const discover::target& t) {
  return {{"Accept", job.accept},
          {"Accept-Encoding", job.config->enable_compression ? "gzip" : "identity"},
          {"X-Prometheus-Scrape-Timeout-Seconds",
           fmt::format("{}", static_cast<double>(t.timeout_ms) / 1000)}};
}

}  // namespace

std::string_view to_string(target_health h) {
  switch (h) {
    case target_health::up:
      return "up";
    case target_health::down:
      return "down";
    case target_health::unknown:
      break;
  }
  return "unknown";
}

struct scrape_pool::job {
  std::shared_ptr<const job_rules> rules;
  discover::client_settings_ptr client;
  std::string error;  ///< fails every scrape
};

struct scrape_pool::entry {
  // What the start of a fetch needs lies together.
  discover::target_ptr target;
  job_ptr of;
  http::endpoint_ptr endpoint;
  timestamp_ms scheduled_ms = 0;
  uint32_t generation = 0;
  uint16_t unacked = 0;
  bool fetching = false;
  bool retired = false;
  target_health health = target_health::unknown;
  timestamp_ms last_scrape_ms = 0;
  int64_t last_duration_ns = 0;
  timestamp_ms stale_ms = 0;  ///< of a retired one: the time of its stale markers
  uint64_t round = 0;         ///< the apply() that named it last
  target_memory memory;
  std::string last_error;
  std::string refusal;  ///< what was not stored of the batch answered last

  const config::scrape_config& config() const { return *of->rules->config; }
  uint64_t key() const { return key_of(config().job_name, target->id); }
};

struct scrape_pool::probe {
  explicit probe(registry& r)
      : scrapes(r.get_counter("troupe_scrapes_total", "Finished scrapes.")),
        failed(r.get_counter("troupe_scrapes_failed_total", "Scrapes that set up to 0.")),
        late(r.get_counter("troupe_scrapes_late_total",
                           "Scrapes stamped with their true start, not the scheduled instant.")),
        in_flight(skipped(r, "in_flight")),
        backlog(skipped(r, "backlog")),
        samples(r.get_counter("troupe_scrape_samples_total", "Samples handed on.")),
        known_lines(r.get_counter("troupe_scrape_known_lines_total",
                                  "Lines recognised without being tokenised.")),
        new_lines(r.get_counter("troupe_scrape_new_lines_total", "Lines tokenised.")),
        duplicates(r.get_counter("troupe_scrape_sample_duplicates_total",
                                 "Samples of a series that was in the same body before.")),
        out_of_bounds(r.get_counter("troupe_scrape_sample_out_of_bounds_total",
                                    "Samples more than ten minutes ahead.")),
        sample_limit(r.get_counter("troupe_scrape_exceeded_sample_limit_total",
                                   "Scrapes that hit sample_limit.")),
        bucket_limit(r.get_counter("troupe_scrape_exceeded_native_histogram_bucket_limit_total",
                                   "Scrapes that hit native_histogram_bucket_limit.")),
        label_limit(r.get_counter("troupe_scrape_exceeded_label_limits_total",
                                  "Scrapes that hit a label limit.")),
        body_limit(r.get_counter("troupe_scrape_exceeded_body_size_limit_total",
                                 "Scrapes that hit body_size_limit.")) {
    r.add_alias("troupe_scrape_sample_duplicates_total",
                "prometheus_target_scrapes_sample_duplicate_timestamp_total");
    r.add_alias("troupe_scrape_sample_out_of_bounds_total",
                "prometheus_target_scrapes_sample_out_of_bounds_total");
    r.add_alias("troupe_scrape_exceeded_sample_limit_total",
                "prometheus_target_scrapes_exceeded_sample_limit_total");
    r.add_alias("troupe_scrape_exceeded_native_histogram_bucket_limit_total",
                "prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total");
    r.add_alias("troupe_scrape_exceeded_label_limits_total",
                "prometheus_target_scrape_pool_exceeded_label_limits_total");
    r.add_alias("troupe_scrape_exceeded_body_size_limit_total",
                "prometheus_target_scrapes_exceeded_body_size_limit_total");
  }
  static counter& skipped(registry& r, const char* reason) {
    return r.get_counter("troupe_scrapes_skipped_total",
                         "Due scrapes left out: the one before still runs, or is not stored yet.",
                         {{"reason", reason}});
  }
  counter &scrapes, &failed, &late, &in_flight, &backlog, &samples, &known_lines, &new_lines,
      &duplicates, &out_of_bounds, &sample_limit, &bucket_limit, &label_limit, &body_limit;
};

scrape_pool::scrape_pool(pool_options options, pool_environment env, pool_time now)
    : options_(std::move(options)),
      env_(std::move(env)),
      probe_(std::make_unique<probe>(*env_.metrics)),
      wheel_(now.wall_ms),
      step_ms_(largest_step_ms) {
  scratch_.line_secret = options_.line_secret;
}

scrape_pool::~scrape_pool() = default;

// --- target sets ---

bool scrape_pool::is_mine(uint64_t target_id) const {
  // The id's upper half: the schedule takes the id modulo the interval.
  return (target_id >> 32) % options_.share_count == options_.share_index;
}

scrape_pool::job_ptr scrape_pool::make_job(const discover::job_targets& from) const {
  auto out = std::make_shared<job>();
  out->client = from.client;
  out->error = from.error;
  auto rules = job_rules::create(from.config, options_.default_body_limit);
  if (rules.ok()) {
    out->rules = std::move(*rules);
    return out;
  }
  out->error = rules.error().message();
  auto bare = std::make_shared<job_rules>();
  bare->config = from.config;
  out->rules = std::move(bare);
  return out;
}

void scrape_pool::apply(const discover::target_sets& sets, pool_time now) {
  ++round_;
  int64_t shortest_ms = largest_step_ms * steps_per_interval;
  std::vector<std::pair<std::string, job_ptr>> jobs;
  for (const auto& from : sets.jobs) {
    const auto& name = from.config->job_name;
    const auto before =
        std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& j) { return j.first == name; });
    const bool same = before != jobs_.end() && before->second->rules->config == from.config &&
                      before->second->client == from.client && before->second->error == from.error;
    job_ptr j = same ? before->second : make_job(from);
    for (const auto& t : from.targets) {
      shortest_ms = std::min(shortest_ms, t->interval_ms);
      if (is_mine(t->id))
        apply_target(t, j, round_, now);
    }
    jobs.emplace_back(name, std::move(j));
  }
  jobs_ = std::move(jobs);
  step_ms_ = step_of(shortest_ms);
  for (uint32_t i = 0; i < entries_.size(); ++i)
    if (entries_[i] && !entries_[i]->retired && entries_[i]->round != round_)
      retire(i);
  if (scratch_.sent_metadata.size() > max_sent_metadata)
    scratch_.sent_metadata.clear();
}

void scrape_pool::apply_target(const discover::target_ptr& t, const job_ptr& j, uint64_t round,
                               pool_time now) {
  const uint64_t key = key_of(j->rules->config->job_name, t->id);
  auto known = by_key_.find(key);
  if (known == by_key_.end()) {
    uint32_t index = 0;
    if (const auto back = retired_.find(key); back != retired_.end()) {
      // It is back before its end was written.
      index = back->second;
      retired_.erase(back);
      wheel_.remove(index);
      entries_[index]->retired = false;
    } else {
      index = add_entry();
    }
    entries_[index]->target = t;
    known = by_key_.emplace(key, index).first;
    index_labels(index);
    schedule(index, now.wall_ms);
  }
  auto& e = *entries_[known->second];
  e.round = round;
  e.target = t;
  if (e.of == j)
    return;
  if (e.of && !same_series(e.config(), *j->rules->config))
    e.memory.forget_lines();
  e.of = j;
  e.endpoint = nullptr;
}

uint32_t scrape_pool::add_entry() {
  uint32_t index = static_cast<uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.push_back(nullptr);
  } else {
    index = free_.back();
    free_.pop_back();
  }
  entries_[index] = std::make_unique<entry>();
  entries_[index]->generation = next_generation_++;
  return index;
}

void scrape_pool::remove_entry(uint32_t index) {
  wheel_.remove(index);
  entries_[index] = nullptr;
  free_.push_back(index);
}

void scrape_pool::index_labels(uint32_t index) {
  by_labels_.emplace(entries_[index]->target->public_labels.hash(), index);
}

void scrape_pool::forget_labels(uint32_t index) {
  const auto range = by_labels_.equal_range(entries_[index]->target->public_labels.hash());
  for (auto it = range.first; it != range.second; ++it)
    if (it->second == index) {
      by_labels_.erase(it);
      return;
    }
}

void scrape_pool::schedule(uint32_t index, timestamp_ms after) {
  const auto& t = *entries_[index]->target;
  wheel_.insert(index, next_instant(t.id, t.interval_ms, after));
}

// Its next instant stamps the stale markers; they are written another interval (and a tenth) later,
// when a target that came back under another name has been scraped.
void scrape_pool::retire(uint32_t index) {
  auto& e = *entries_[index];
  by_key_.erase(e.key());
  forget_labels(index);
  if (e.last_scrape_ms == 0) {
    remove_entry(index);
    return;
  }
  e.retired = true;
  e.stale_ms = wheel_.due_of(index);
  retired_.emplace(e.key(), index);
  wheel_.remove(index);
  wheel_.insert(index, e.stale_ms + e.target->interval_ms + e.target->interval_ms / 10);
}

// --- scrapes ---

uint64_t scrape_pool::token_of(uint32_t index) const {
  return (static_cast<uint64_t>(entries_[index]->generation) << index_bits) | index;
}

scrape_pool::entry* scrape_pool::find(uint64_t token) {
  const auto index = static_cast<uint32_t>(token);
  if (index >= entries_.size() || !entries_[index] || token_of(index) != token)
    return nullptr;
  return entries_[index].get();
}

// After the clock was set back all planned instants would lie far ahead.
void scrape_pool::plan_anew(pool_time now) {
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    if (!entries_[i])
      continue;
    wheel_.remove(i);
    if (entries_[i]->retired)
      wheel_.insert(i, now.wall_ms + entries_[i]->target->interval_ms * 2);
    else
      schedule(i, now.wall_ms);
  }
}

due_work scrape_pool::due(pool_time now) {
  due_work out;
  if (now.wall_ms < last_due_ms_ - max_step_back_ms)
    plan_anew(now);
  last_due_ms_ = now.wall_ms;
  due_now_.clear();
  wheel_.collect(now.wall_ms, due_now_);
  for (size_t i = 0; i < due_now_.size(); ++i) {
    if (i + prefetch_ahead < due_now_.size())
      __builtin_prefetch(entries_[due_now_[i + prefetch_ahead]].get());
    const auto index = due_now_[i];
    if (entries_[index]->retired)
      end_retired(index, out);
    else
      start(index, now, out);
  }
  return out;
}

int64_t scrape_pool::until_due_ms(pool_time now, int64_t longest_ms) const {
  const int64_t wait = wheel_.until_due_ms(now.wall_ms, longest_ms);
  if (wait >= longest_ms)
    return longest_ms;
  const int64_t over = (now.wall_ms + wait) % step_ms_;
  return std::max<int64_t>(1, over == 0 ? wait : wait + step_ms_ - over);
}

std::string scrape_pool::ensure_endpoint(entry& e) const {
  if (!e.of->error.empty())
    return e.of->error;
  if (e.endpoint)
    return {};
  auto made = env_.endpoints.endpoint(e.target->url, e.of->client,
                                      request_headers(*e.of->rules, *e.target));
  if (!made.ok())
    return std::string(made.error().message());
  e.endpoint = std::move(*made);
  return {};
}

void scrape_pool::start(uint32_t index, pool_time now, due_work& out) {
  auto& e = *entries_[index];
  const timestamp_ms scheduled = wheel_.due_of(index);
  schedule(index, std::max(now.wall_ms, scheduled));
  if (e.fetching || e.unacked != 0) {
    (e.fetching ? probe_->in_flight : probe_->backlog).add();
    return;
  }
  e.scheduled_ms = scheduled;
  if (auto error = ensure_endpoint(e); !error.empty()) {
    const auto time = stamp_of(scheduled, now.wall_ms, e.target->interval_ms);
    auto failed =
        fail_scrape(settings(), *e.of->rules, *e.target,
                    status(errc::unavailable, std::move(error)), time, e.memory, scratch_);
    failed.fetch_failed = e.of->error.empty();
    out.batches.push_back(emit(index, std::move(failed), now.wall_ms, 0));
    return;
  }
  e.fetching = true;
  http::fetch_request r;
  r.token = token_of(index);
  r.to = e.endpoint;
  r.timeout_ms = e.target->timeout_ms;
  r.max_body_bytes = e.of->rules->body_limit;
  r.keep_coded = true;
  r.patient = e.target->interval_ms >= patient_interval_ms;
  r.next_use_ns = now.monotonic_ns + (wheel_.due_of(index) - now.wall_ms) * 1'000'000;
  out.fetches.push_back(std::move(r));
}

std::optional<outgoing> scrape_pool::on_result(const http::fetch_result& got, pool_time now) {
  auto* e = find(got.token);
  if (e == nullptr || !e->fetching)
    return std::nullopt;
  e->fetching = false;
  if (e->retired)
    return std::nullopt;
  const timestamp_ms started = got.started_ms != 0 ? got.started_ms : now.wall_ms;
  const timestamp_ms time = stamp_of(e->scheduled_ms, started, e->target->interval_ms);
  if (time != e->scheduled_ms)
    probe_->late.add();
  auto r = read_fetch(settings(), *e->of->rules, *e->target, got, time, now.wall_ms, e->memory,
                      scratch_);
  return emit(static_cast<uint32_t>(got.token), std::move(r), started, got.duration_ns);
}

outgoing scrape_pool::emit(uint32_t index, scrape_result&& r, timestamp_ms started,
                           int64_t duration_ns) {
  auto& e = *entries_[index];
  e.last_scrape_ms = started;
  e.last_duration_ns = duration_ns;
  e.health = r.error.ok() ? target_health::up : target_health::down;
  e.last_error = r.error.message();
  ++e.unacked;
  count(e, r);
  return {token_of(index), std::move(r.batch)};
}

void scrape_pool::count(const entry& e, const scrape_result& r) {
  const auto add = [](counter& c, uint64_t n) {
    if (n != 0)
      c.add(static_cast<double>(n));
  };
  probe_->scrapes.add();
  add(probe_->samples, r.batch->sample_count());
  add(probe_->known_lines, r.counts.known_lines);
  add(probe_->new_lines, r.counts.new_lines);
  add(probe_->duplicates, r.counts.duplicates);
  add(probe_->out_of_bounds, r.counts.out_of_bounds);
  add(probe_->sample_limit, r.counts.sample_limit_hit ? 1 : 0);
  add(probe_->bucket_limit, r.counts.bucket_limit_hit ? 1 : 0);
  add(probe_->label_limit, r.counts.label_limit_hit ? 1 : 0);
  add(probe_->body_limit, r.body_limit_hit ? 1 : 0);
  if (r.error.ok())
    return;
  probe_->failed.add();
  if (r.fetch_failed && env_.on_failure && !e.config().scrape_failure_log_file.empty())
    env_.on_failure(e.config(), *e.target, r.error.message());
}

void scrape_pool::on_ack(uint64_t token, std::string refusal) {
  auto* e = find(token);
  if (e == nullptr || e->unacked == 0)
    return;
  --e->unacked;
  e->refusal = std::move(refusal);
}

// --- the end of a target ---

// Positions of a retired target's series that a live target with the same labels keeps alive.
bitmap scrape_pool::produced_elsewhere(uint32_t index) const {
  bitmap out;
  const auto& gone = *entries_[index];
  std::unordered_map<uint64_t, std::vector<const labels*>> alive;
  const auto range = by_labels_.equal_range(gone.target->public_labels.hash());
  for (auto it = range.first; it != range.second; ++it) {
    const auto& e = *entries_[it->second];
    const auto note = [&](uint32_t p) {
      const auto& l = e.memory.series.at(p);
      alive[l.hash()].push_back(&l);
    };
    e.memory.tracked.for_each(note);
    for (const auto p : e.memory.reports)
      if (p != line_entry::dropped)
        note(p);
  }
  if (alive.empty())
    return out;
  for (uint32_t p = 0; p < gone.memory.series.size(); ++p) {
    const auto& l = gone.memory.series.at(p);
    const auto it = alive.find(l.hash());
    if (it != alive.end() && std::any_of(it->second.begin(), it->second.end(),
                                         [&](const labels* other) { return *other == l; }))
      out.set(p);
  }
  return out;
}

void scrape_pool::end_retired(uint32_t index, due_work& out) {
  auto& e = *entries_[index];
  if (auto batch =
          end_of_target(settings(), *e.target, e.stale_ms, produced_elsewhere(index), e.memory))
    out.batches.push_back({token_of(index), std::move(batch)});
  retired_.erase(e.key());
  remove_entry(index);
}

// --- for the API ---

pool_states scrape_pool::states() const {
  pool_states out;
  out.targets.reserve(by_key_.size());
  for (const auto& e : entries_)
    if (e && !e->retired)
      out.targets.push_back({e->config().job_name, e->target, e->health,
                             e->last_error.empty() ? e->refusal : e->last_error, e->last_scrape_ms,
                             e->last_duration_ns});
  std::sort(out.targets.begin(), out.targets.end(), [](const auto& a, const auto& b) {
    return std::tie(a.pool, a.target->url, a.target->id) <
           std::tie(b.pool, b.target->url, b.target->id);
  });
  return out;
}

size_t scrape_pool::heap_bytes() const {
  size_t out = entries_.capacity() * sizeof(entries_[0]);
  for (const auto& e : entries_)
    if (e)
      out += sizeof(entry) + e->memory.heap_bytes();
  return out;
}

}  // namespace troupe::scrape
