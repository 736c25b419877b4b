#include "tests/actors/simulation/sim_region.h"

#include "pipeline/topics/offsets.h"
#include "pipeline/topics/record_reader.h"
#include "tests/support/remote_write_body.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

namespace troupe::simulation {

namespace {

const std::string out_topic = "ours", in_topic = "theirs", out_name = "out", in_name = "in";
constexpr uint64_t far_node = 77;
constexpr size_t segment_records = 12;
constexpr uint64_t plenty = 64u << 20;
constexpr uint64_t ordinary_record = 1u << 20;

double counted(registry& m, const std::string& what) {
  return m.get_counter("troupe_kafka_consume_" + what, "", {{"consumption", in_name}}).value();
}

double level(registry& m, const std::string& what, bool publishing) {
  const std::string name = publishing ? "troupe_kafka_publish_" : "troupe_kafka_consume_";
  return m
      .get_gauge(name + what, "",
                 {{publishing ? "publication" : "consumption", publishing ? out_name : in_name}})
      .value();
}

}  // namespace

sim_region::sim_region(sim_world& w, oracle& node, const scenario& s,
                       std::function<void(bool)> restart)
    : world_(w),
      oracle_(node),
      scenario_(s),
      restart_(std::move(restart)),
      rng_(s.seed * 2 + 0x5eed),
      partitions_(1 + static_cast<uint32_t>(rng_.below(4))) {
  cluster_.make(in_topic, 0);
  for (uint64_t n = 1 + rng_.below(3); n > 0; --n)
    add_far_partition();
  cluster_.records_a_poll = std::array<size_t, 3>{2, 20, 1000}[rng_.below(3)];
  cluster_.stragglers = rng_.below(4);
  cluster_.stale_ranges = rng_.below(2) != 0;
  world_.kafka = &cluster_;
  world_.on_end = [this](registry& m) { count(m); };
}

void sim_region::configure(config::config& c) const {
  c.own.kafka.emplace_back().name = "main";
  auto& out = c.own.publish.emplace_back();
  out.name = out_name;
  out.kafka = "main";
  out.topic = out_topic;
  out.partitions = partitions_;
  out.key_interval_ms = 60'000;
  auto& in = c.own.consume.emplace_back();
  in.name = in_name;
  in.kafka = "main";
  in.topic = in_topic;
}

void sim_region::acknowledged(const write_batch& b) {
  if (!closed_)
    log_.acknowledged(b);
}

void sim_region::tolerate_loss() {
  tolerant_ = true;
  log_.tolerate_loss();
}

int64_t sim_region::between(int64_t least, int64_t most) {
  return least + static_cast<int64_t>(rng_.below(static_cast<uint64_t>(most - least)));
}

void sim_region::schedule() {
  auto again = std::make_shared<std::function<void()>>();
  *again = [this, again] {
    if (world_.elapsed_ms() > scenario_.length_ms)
      return;
    write_once();
    world_.in(between(500, 6'000), *again);
  };
  world_.in(between(0, 30'000), *again);
  if (!scenario_.faults)
    return;
  for (uint64_t n = 3 + rng_.below(4); n > 0; --n)
    world_.in(between(20'000, scenario_.length_ms - 30'000), [this] { strike(); });
}

// ----------------------------------------------------------------------------------------------------
// the other region

int64_t sim_region::far_end(uint32_t partition) {
  return (*cluster_.find(in_topic))[partition].end();
}

void sim_region::add_far_partition() {
  cluster_.add_partitions(in_topic, 1);
  far_partition p;
  p.number = static_cast<uint32_t>(far_.size());
  std::vector<labels> series;
  for (size_t k = 0; k < 5; ++k)
    series.push_back(labels::from({{"__name__", k < 3 ? "far_total" : "far_late"},
                                   {"k", std::to_string(k)},
                                   {"partition", std::to_string(p.number)}})
                         .packed());
  p.table = make_series_table({}, std::move(series));
  make_anew(p);
  far_.push_back(std::move(p));
}

void sim_region::make_anew(far_partition& of) {
  of.writer = std::make_unique<topics::record_writer>(
      topics::record_writer::place{far_node, ++of.session, 0, 1});
  of.records = 0;
}

batch_ptr sim_region::make_batch(far_partition& of) {
  const timestamp_ms now = world_.now_ms();
  write_batch b;
  b.group = of.number;
  b.table = of.table;
  for (uint32_t k = 0; k < of.table->series.size(); ++k) {
    if (rng_.below(4) == 0)
      continue;
    const timestamp_ms ts = k < 3 ? now : now - between(1'000, 90'000);
    b.floats.push_back({ts, static_cast<double>(rng_.below(1'000'000)) / 1024.0, k});
  }
  return std::make_shared<const write_batch>(std::move(b));
}

void sim_region::take(far_partition& to) {
  const bool first = to.writer->at_segment_start();
  if (first)
    to.key_offset = far_end(to.number);
  cluster_.append(in_topic, to.number, world_.now_ms(),
                  to.writer->take(first ? -1 : to.key_offset, world_.now_ms()));
  if (++to.records % segment_records == 0)
    to.writer->begin_segment();
}

void sim_region::write(far_partition& to, const batch_ptr& b) {
  if (const status s = to.writer->add(*b); s.ok())
    take(to);
}

void sim_region::write_foreign(uint32_t partition) {
  const timestamp_ms ts = world_.now_ms();
  const auto value = static_cast<double>(rng_.below(1000));
  const labels series =
      labels::from({{"__name__", "far_foreign"}, {"partition", std::to_string(partition)}});
  write_batch b;
  b.table = make_series_table({}, {series.packed()});
  b.floats.push_back({ts, value, 0});
  written_.push_back(std::make_shared<const write_batch>(std::move(b)));
  oracle_.offered(*written_.back());
  cluster_.append(in_topic, partition, ts, support::remote_write_body({{series, {{ts, value}}}}));
}

void sim_region::write_once() {
  far_partition& to = far_[rng_.below(far_.size())];
  switch (rng_.below(30)) {
    case 0:  // it starts again, and is not sure of the last ones
      make_anew(to);
      for (const auto& b : to.last)
        write(to, b);
      return;
    case 1:
    case 2:
    case 3:
      return take(to);
    case 4:
    case 5:
      return write_foreign(to.number);
    default:
      break;
  }
  const batch_ptr b = make_batch(to);
  written_.push_back(b);
  oracle_.offered(*b);
  to.last.push_back(b);
  if (to.last.size() > 3)
    to.last.pop_front();
  write(to, b);
}

// ----------------------------------------------------------------------------------------------------
// faults

void sim_region::later(int64_t ms, std::function<void()> end) {
  world_.in(ms, [this, end = std::move(end)] {
    if (!healed_)
      end();
  });
}

void sim_region::strike() {
  if (healed_)
    return;
  world_.count_fault();
  switch (rng_.below(13)) {
    case 0:
    case 1:
      return be_unreachable();
    case 2:
      return lose_deliveries();
    case 3:
      return cluster_.break_producers();
    case 4:
      cluster_.queue_bytes = static_cast<uint64_t>(between(2'000, 12'000));
      return later(between(5'000, 60'000), [this] { cluster_.queue_bytes = plenty; });
    case 5:
      return cluster_.redeliver(1 + rng_.below(30));
    case 6:
      cluster_.largest_record = static_cast<uint64_t>(between(2'500, 6'000));
      return later(between(20'000, 120'000), [this] { cluster_.largest_record = ordinary_record; });
    case 7:
      if (cluster_.find(out_topic) != nullptr && rng_.below(2) == 0)
        cluster_.add_partitions(out_topic, 1);
      else
        add_far_partition();
      return;
    case 8:
      return trim();
    case 9:  // brokers are slow
      cluster_.delivery_polls = 1 + rng_.below(40);
      return later(between(10'000, 90'000), [this] { cluster_.delivery_polls = 0; });
    case 10:
      cluster_.making = {errc::io_error, "the CA file cannot be read"};
      cluster_.break_producers();
      return later(between(1'000, 20'000), [this] { cluster_.making = {}; });
    case 11:
      return be_paused();
    default:  // the node dies while it stores what the other region has just written
      write_once();
      return later(between(0, 400), [this, power_cut = rng_.below(2) == 0] {
        restart_(power_cut);
        later(between(100, 3'000), [this] { cluster_.land(); });
      });
  }
}

// Meanwhile the other region writes more than usual: a backlog.
void sim_region::be_unreachable() {
  const int64_t ms = between(3'000, 100'000);
  cluster_.reachable = false;
  for (uint64_t n = rng_.below(40); n > 0; --n)
    later(between(0, ms), [this] { write_once(); });
  later(ms, [this] {
    if (rng_.below(2) == 0)
      cluster_.break_producers();
    cluster_.reachable = true;
    later(between(0, 2'000), [this] { cluster_.land(); });
  });
}

// Somebody rehearses an outage.
void sim_region::be_paused() {
  const char* stage = rng_.below(2) == 0 ? "publish" : "consume";
  ask_stage("pause", stage, std::to_string(between(1'000, 60'000)) + "ms");
  if (rng_.below(3) == 0)
    later(between(1'000, 30'000), [this, stage] { ask_stage("resume", stage, "0"); });
}

void sim_region::ask_stage(const char* what, const char* stage, const std::string& time) {
  http::request r;
  r.method = "POST";
  r.path = std::string("/api/v1/admin/stages/") + what;
  r.query = {{"stage", stage}, {"for", time}};
  world_.call(std::move(r), [this](const http::response& answer) {
    // A node that is down or starts takes no requests.
    if (answer.status != 200 && answer.status != 503)
      refused_ = answer.body;
  });
}

// The producer never hears of what is in the topic already, and breaks.
void sim_region::lose_deliveries() {
  cluster_.append_then_break(1 + rng_.below(4));
  deliveries_lost_ = true;
  later(between(100, 10'000), [this] { find_loss(); });
}

void sim_region::find_loss() {
  if (!std::exchange(deliveries_lost_, false))
    return;
  cluster_.append_then_break(0);
  cluster_.break_producers();
}

std::map<uint32_t, int64_t> sim_region::done_with() {
  std::map<uint32_t, int64_t> out;
  const auto offsets = topics::load_offsets(world_.fs, "data/consume/" + in_name + ".offsets");
  if (!offsets.ok() || !*offsets)
    return out;
  const auto start_of = [](const topics::stretch_place& p) {
    return std::min(p.next, p.key.value_or(p.next));
  };
  for (const auto& [p, at] : (*offsets)->partitions)
    out[p] = at.backlog ? std::min(start_of(at.live), start_of(*at.backlog)) : start_of(at.live);
  return out;
}

// Retention takes what was stored a while ago.
void sim_region::trim() {
  later(20'000, [this, before = done_with()] {
    for (const auto& [p, now] : done_with())
      if (const auto at = before.find(p); at != before.end())
        cluster_.trim(in_topic, p, std::min(at->second, now));
  });
}

void sim_region::heal() {
  healed_ = true;
  find_loss();
  cluster_.reachable = true;
  cluster_.making = {};
  cluster_.queue_bytes = plenty;
  cluster_.largest_record = ordinary_record;
  cluster_.delivery_polls = 0;
  cluster_.land();
  for (const char* stage : {"publish", "consume"})
    ask_stage("resume", stage, "0");
}

// ----------------------------------------------------------------------------------------------------
// what came of it

void sim_region::count(registry& m) {
  for (const char* why : {"disk_bound", "too_large", "log_damage"})
    dropped_ += m.get_counter("troupe_kafka_publish_dropped_samples_total", "",
                              {{"publication", out_name}, {"reason", why}})
                    .value();
}

bool sim_region::is_through() {
  if (!world_.alive())
    return false;
  registry& m = world_.metrics();
  return level(m, "up", true) == 1 && level(m, "up", false) == 1 &&
         level(m, "lag_seconds", true) < 2 && level(m, "lag_records", false) == 0;
}

std::string sim_region::progress() {
  if (!world_.alive())
    return "the node is dead";
  registry& m = world_.metrics();
  return fmt::format("publishing up {}, lag {} s; consuming up {}, lag {} records",
                     level(m, "up", true), level(m, "lag_seconds", true), level(m, "up", false),
                     level(m, "lag_records", false));
}

std::string sim_region::check() {
  if (!refused_.empty())
    return "a pause was refused: " + refused_;
  for (const auto& b : written_) {
    oracle_.acknowledged(*b);
    consumed_ += b->sample_count();
  }
  if (auto wrong = check_counts(); !wrong.empty())
    return wrong;
  return check_topic();
}

std::string sim_region::check_counts() {
  registry& m = world_.metrics();
  for (const char* what : {"gaps_total", "gap_records_total", "lost_samples_total",
                           "poisoned_total", "resets_total", "refused_total"})
    if (counted(m, what) != 0)
      return fmt::format("the consumption counts {} {}", counted(m, what), what);
  count(m);
  if (dropped_ != 0 && !tolerant_)
    return fmt::format("the publication has dropped {} samples", dropped_);
  return {};
}

std::string sim_region::check_topic() {
  const auto* topic = cluster_.find(out_topic);
  if (topic == nullptr)
    return "nothing was published";
  struct series {
    labels lset;
    std::vector<point> points;
  };
  std::unordered_map<uint64_t, series> all;
  for (const auto& partition : *topic) {
    topics::record_reader reader{topics::reader_rules()};
    int64_t offset = partition.first;
    for (const auto& r : partition.records) {
      const auto got = reader.read(r.payload, offset++);
      if (!got.ok() || got->lost != 0)
        return fmt::format("record {} that was published cannot be read: {}", offset - 1,
                           got.ok() ? "samples are lost" : got.error().to_string());
      for (const auto& b : got->batches) {
        if (!b->tenant.empty())
          continue;
        published_ += b->sample_count();
        for (const auto& f : b->floats) {
          auto& s = all[b->table->series[f.series].hash()];
          if (s.points.empty())
            s.lset = b->table->series[f.series];
          s.points.push_back({f.ts, f.value});
        }
      }
    }
  }
  std::map<std::string, const series*> by_text;
  for (auto& [hash, s] : all) {
    std::ranges::stable_sort(s.points, {}, &point::ts);
    by_text[s.lset.to_string()] = &s;
  }
  for (const auto& [text, s] : by_text)
    if (auto wrong = log_.check_log(text, s->points); !wrong.empty())
      return "published: " + wrong;
  for (const auto& text : log_.expected_series("", min_time, max_time))
    if (!by_text.contains(text))
      return fmt::format("published: {} is missing as a whole", text);
  return {};
}

}  // namespace troupe::simulation
