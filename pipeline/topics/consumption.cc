#include "pipeline/topics/consumption.h"

#include "query/parser/parser.h"
#include "storage/base/log.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::topics {
namespace {

const logger in_log("consume");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t try_again_ns = 30'000 * ns_per_ms;
constexpr int64_t look_every_ns = 100 * ns_per_ms;
/// What comes twice changes nothing, so the file need not be as new as the samples.
constexpr int64_t save_every_ns = 500 * ns_per_ms;
/// Lines about writers are so far apart.
constexpr int64_t writers_line_ms = 60'000;
/// Of what is fetched and not stored, each lane's share where there are two.
constexpr uint64_t lane_bytes = consumption::most_bytes / 2;

result<reader_rules> rules_of(const config::consume_config& c) {
  reader_rules out;
  out.labels = c.labels;
  for (const auto& text : c.match) {
    auto one = query::parse_metric_selector(text);
    if (!one.ok())
      return one.error().with_context("selector " + text);
    out.selectors.push_back(std::move(*one));
  }
  return out;
}

int64_t left_of(const stretch_place& p, const std::optional<kafka::offset_range>& there) {
  int64_t out = (p.end ? *p.end : there ? there->end : p.next) - p.next;
  for (const auto& s : p.stored)
    out -= s.end - s.first;
  return std::max<int64_t>(out, 0);
}

}  // namespace

consumption::consumption(config::consume_config config, config::kafka_config cluster,
                         consumption_parts parts)
    : config_(std::move(config)),
      cluster_(std::move(cluster)),
      parts_(std::move(parts)),
      path_(join_path(parts_.folder, offsets_file(config_.name))),
      told_(config_.name, *parts_.metrics, *parts_.quarantine),
      from_beginning_(config_.from_beginning) {}

std::vector<delivery> consumption::step(int64_t now_ms, int64_t now_ns) {
  std::vector<delivery> out;
  now_ms_ = now_ms;
  told_.set_time(now_ms);
  if (!stopping_ && is_open(now_ns)) {
    if (!paused_)
      rearrange(now_ns);
    const uint64_t most = backlog_ ? lane_bytes : most_bytes;
    for (auto* l : {live_.get(), backlog_.get()}) {
      // Nothing new until what is asked for is done, which wants nothing to be under way.
      if (l == nullptr || ((paused_ || wants_change()) && !l->has_under_way()))
        continue;
      if (auto d = l->step(most, now_ms, now_ns))
        out.push_back(std::move(*d));
    }
  }
  observe(now_ns);
  save(now_ns);
  return out;
}

bool consumption::on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes,
                            int64_t now_ms, int64_t now_ns) {
  now_ms_ = now_ms;
  told_.set_time(now_ms);
  for (auto* l : {live_.get(), backlog_.get()})
    if (l != nullptr && l->on_stored(token, outcomes, now_ns)) {
      observe(now_ns);
      save(now_ns);
      return true;
    }
  return false;
}

// --- opening ---

bool consumption::is_open(int64_t now_ns) {
  if (live_)
    return true;
  if (now_ns < next_try_ns_)
    return false;
  next_try_ns_ = now_ns + try_again_ns;
  if (const status s = open(); !s.ok()) {
    told_.failed(tally::trouble::opening, std::string(s.message()));
    live_.reset();
    backlog_.reset();
    return false;
  }
  told_.recovered(tally::trouble::opening);
  return true;
}

result<std::unique_ptr<lane>> consumption::make_lane(bool keeps_up) {
  TROUPE_ASSIGN(auto from, parts_.kafka->make_consumer(cluster_, config_.topic));
  return std::make_unique<lane>(std::move(from), told_, *parts_.next_token, keeps_up);
}

status consumption::open() {
  if (parts_.kafka == nullptr)
    return {errc::unsupported, "this process cannot talk to Kafka"};
  TROUPE_ASSIGN(rules_, rules_of(config_));
  TROUPE_TRY(parts_.files->create_directories(parts_.folder));
  TROUPE_ASSIGN(live_, make_lane(true));
  return load();
}

status consumption::load() {
  auto got = load_offsets(*parts_.files, path_);
  if (got.code() == errc::corruption) {
    told_.failed(tally::trouble::opening, "the offsets are lost, so all of the topic is read: " +
                                              std::string(got.error().message()));
    from_beginning_ = true;
    return {};
  }
  if (!got.ok())
    return got.error();
  if (!*got)
    return {};
  const auto& at = **got;
  if (at.kafka != config_.kafka || at.topic != config_.topic) {
    in_log.warn("{} was reading topic {} of {}: it begins anew", config_.name, at.topic, at.kafka);
    return {};
  }
  began_with_ = at.began_with;
  told_.begin_with(at.totals);
  const bool has_backlog = std::any_of(at.partitions.begin(), at.partitions.end(),
                                       [](const auto& p) { return p.second.backlog.has_value(); });
  if (has_backlog) {
    TROUPE_ASSIGN(backlog_, make_lane(false));
  }
  add_places(at.partitions);
  return {};
}

std::unique_ptr<stretch> consumption::make_stretch(uint32_t partition, stretch_place at) const {
  return std::make_unique<stretch>(partition, std::move(at), rules_, parts_.known);
}

void consumption::add_places(const std::map<uint32_t, partition_place>& all) {
  for (const auto& [p, at] : all) {
    live_->add(make_stretch(p, at.live));
    if (at.backlog)
      backlog_->add(make_stretch(p, *at.backlog));
  }
}

// --- partitions come, change and go ---

bool consumption::wants_change() const {
  if (!live_->changed().empty() || (backlog_ && !backlog_->changed().empty()))
    return true;
  const auto asks = [](const auto& s) { return s.second->late.has_value(); };
  const auto through = [](const auto& s) { return s.second->is_through(); };
  const auto& now = live_->stretches();
  return std::any_of(now.begin(), now.end(), asks) ||
         (backlog_ &&
          std::any_of(backlog_->stretches().begin(), backlog_->stretches().end(), through));
}

void consumption::rearrange(int64_t now_ns) {
  begin_new();
  if (live_->has_under_way() || (backlog_ && backlog_->has_under_way()))
    return;
  forget_vanished();
  auto changed = live_->changed();
  if (backlog_)
    changed.insert(backlog_->changed().begin(), backlog_->changed().end());
  for (const auto& [p, change] : changed)
    begin_anew(p, change);
  end_backlogs();
  std::vector<uint32_t> late;
  for (const auto& [p, s] : live_->stretches())
    if (s->late)
      late.push_back(p);
  if (late.empty())
    return;
  if (!backlog_ && now_ns >= next_split_ns_) {
    auto made = make_lane(false);
    if (made.ok()) {
      backlog_ = std::move(*made);
      told_.recovered(tally::trouble::opening);
    } else {
      told_.failed(tally::trouble::opening, "the newest are not read before the backlog: " +
                                                std::string(made.error().message()));
    }
    next_split_ns_ = now_ns + try_again_ns;
  }
  for (const uint32_t p : late)
    go_to_newest(p);
}

void consumption::begin_new() {
  const uint32_t n = live_->consumer().partitions();
  if (n != 0 && began_with_ == 0) {
    began_with_ = n;
    dirty_ = changed_ = true;
  }
  for (uint32_t p = 0; p < n; ++p) {
    if (live_->find(p) != nullptr)
      continue;
    const auto there = live_->consumer().range(p);
    if (!there)
      continue;
    stretch_place at;
    // Those that came later were not there to be left out.
    at.next = from_beginning_ || p >= began_with_ ? there->first : there->end;
    live_->add(make_stretch(p, at));
    dirty_ = changed_ = true;
  }
}

void consumption::begin_anew(uint32_t partition, const lane::change& change) {
  told_.reset(partition, change.why);
  live_->remove(partition);
  if (backlog_)
    backlog_->remove(partition);
  stretch_place at;
  at.next = change.first.value_or(0);
  auto s = make_stretch(partition, at);
  s->is_begin_unknown = !change.first;
  live_->add(std::move(s));
  dirty_ = changed_ = true;
}

// Of a topic that was made anew with fewer.
void consumption::forget_vanished() {
  const uint32_t n = live_->consumer().partitions();
  if (n == 0)
    return;
  while (!live_->stretches().empty() && live_->stretches().rbegin()->first >= n) {
    const uint32_t p = live_->stretches().rbegin()->first;
    told_.reset(p, "it is gone: the topic was made anew");
    // If it comes back it is a new one.
    began_with_ = std::min(began_with_, n);
    live_->remove(p);
    if (backlog_)
      backlog_->remove(p);
    dirty_ = changed_ = true;
  }
}

void consumption::end_backlogs() {
  if (!backlog_)
    return;
  std::vector<uint32_t> through;
  for (const auto& [p, s] : backlog_->stretches())
    if (s->is_through())
      through.push_back(p);
  for (const uint32_t p : through) {
    const auto s = backlog_->remove(p);
    in_log.info("{}: the backlog of partition {} is stored", config_.name, p);
    live_->find(p)->add_writers(s->place().writers);
    dirty_ = changed_ = true;
  }
  if (backlog_->stretches().empty())
    backlog_.reset();
}

// The newest record first: what lies before it is the backlog.
void consumption::go_to_newest(uint32_t partition) {
  auto s = live_->remove(partition);
  stretch_place newest;
  newest.next = *std::exchange(s->late, std::nullopt) - 1;
  if (!backlog_) {
    s->caught_up = false;
    return live_->add(std::move(s));
  }
  in_log.info("{}: partition {} is {} records behind: the newest are read first", config_.name,
              partition, newest.next - s->next());
  if (stretch* before = backlog_->find(partition); before != nullptr) {
    before->end_at(newest.next, {*before->place().end, s->next()});
  } else {
    s->end_at(newest.next, {});
    backlog_->add(std::move(s));
  }
  auto fresh = make_stretch(partition, newest);
  fresh->caught_up = false;
  live_->add(std::move(fresh));
  dirty_ = changed_ = true;
}

// --- places ---

consume_offsets consumption::offsets() const {
  consume_offsets out;
  out.kafka = config_.kafka;
  out.topic = config_.topic;
  out.began_with = began_with_;
  out.totals = told_.totals();
  for (const auto& [p, s] : live_->stretches()) {
    auto& at = out.partitions[p];
    at.live = s->place();
    if (const stretch* b = backlog_ ? backlog_->find(p) : nullptr; b != nullptr)
      at.backlog = b->place();
  }
  return out;
}

void consumption::save(int64_t now_ns) {
  if (!live_ || !dirty_ || (now_ns < next_save_ns_ && !changed_ && !stopping_))
    return;
  next_save_ns_ = now_ns + save_every_ns;
  changed_ = false;
  if (const status s = store_offsets(*parts_.files, path_, offsets()); !s.ok())
    return told_.failed(tally::trouble::saving, "cannot write down the place that was reached: " +
                                                    std::string(s.message()));
  told_.recovered(tally::trouble::saving);
  dirty_ = false;
}

void consumption::close() {
  if (live_ && dirty_)
    store_offsets(*parts_.files, path_, offsets()).ignore();
  told_.show(false, {}, std::nullopt);
}

// --- what it tells ---

void consumption::observe(int64_t now_ns) {
  bool moved = false;
  for (auto* l : {live_.get(), backlog_.get()})
    moved = (l != nullptr && l->take_moved()) || moved;
  if (!moved && now_ns < next_look_ns_)
    return;
  next_look_ns_ = now_ns + look_every_ns;
  const auto until = watermark();
  if (moved) {
    dirty_ = true;
    progress_ = until;
  }
  const auto at = connection();
  if (at.up && !paused_)
    down_since_ms_.reset();
  else if (!down_since_ms_)
    down_since_ms_ = now_ms_;
  if (at.last_error != connection_error_ && !at.last_error.empty())
    in_log.error("{}: {}", config_.name, at.last_error);
  connection_error_ = at.last_error;
  told_.show(at.up, lag(), until);
  if (moved)
    tell_writers();
}

std::vector<writer_mark> consumption::writers() const {
  std::vector<writer_mark> all;
  for (const auto* l : {live_.get(), backlog_.get()}) {
    if (l == nullptr)
      continue;
    for (const auto& [p, s] : l->stretches())
      all.insert(all.end(), s->place().writers.begin(), s->place().writers.end());
  }
  return nodes_of(all);
}

// A region's topic has one. A second one has the region's name by mistake, or took its place.
void consumption::tell_writers() {
  const auto all = writers();
  told_.show_writers(all.size());
  std::set<uint64_t> now;
  for (const auto& w : all)
    now.insert(w.node);
  const bool has_another =
      now.size() > 1 &&
      !std::includes(told_writers_.begin(), told_writers_.end(), now.begin(), now.end());
  if (has_another && now_ms_ < next_writers_line_ms_)
    return;
  if (has_another) {
    next_writers_line_ms_ = now_ms_ + writers_line_ms;
    in_log.warn(
        "{}: {} nodes write into topic {}: {:016x}; if it is a region's, more than one node has "
        "the region's name",
        config_.name, now.size(), config_.topic, fmt::join(now, ", "));
  }
  told_writers_ = std::move(now);
}

kafka::connection_state consumption::connection() const {
  return live_ ? live_->consumer().state() : kafka::connection_state();
}

consume_lag consumption::lag() const {
  consume_lag out;
  if (down_since_ms_)
    out.ms = now_ms_ - *down_since_ms_;
  for (const auto* l : {live_.get(), backlog_.get()}) {
    if (l == nullptr)
      continue;
    for (const auto& [p, s] : l->stretches()) {
      const auto left = left_of(s->place(), live_->consumer().range(p));
      if (left == 0)
        continue;
      out.records += static_cast<uint64_t>(left);
      auto oldest = s->oldest_under_way();
      // Without a better one, that before it: they followed one another.
      if (!oldest && !s->at_end && s->place().last)
        oldest = s->place().last->ts;
      if (oldest)
        out.ms = std::max(out.ms, now_ms_ - *oldest);
    }
  }
  return out;
}

// As long as there is a backlog, it is that of the backlog.
std::optional<timestamp_ms> consumption::watermark() const {
  if (!live_ || live_->stretches().size() < live_->consumer().partitions())
    return std::nullopt;
  timestamp_ms out = max_time;
  for (const auto& [p, s] : live_->stretches()) {
    const stretch* b = backlog_ ? backlog_->find(p) : nullptr;
    const auto& at = b != nullptr ? b->place() : s->place();
    const auto there = live_->consumer().range(p);
    // What a paused one knows of the end is old.
    const bool at_end = !paused_ && b == nullptr && there && at.next >= there->end;
    const auto until = complete_until(at, at_end, now_ms_);
    if (!until)
      return std::nullopt;
    out = std::min(out, *until);
  }
  return out == max_time || out == min_time ? std::nullopt : std::optional(out);
}

bool consumption::is_storing() const {
  return (live_ && live_->is_storing()) || (backlog_ && backlog_->is_storing());
}

bool consumption::is_hungry() const {
  if (stopping_ || paused_ || !live_)
    return false;
  if (wants_change())
    return !live_->has_under_way() && !(backlog_ && backlog_->has_under_way());
  return live_->is_hungry() || (backlog_ && backlog_->is_hungry());
}

consumption_state consumption::state() const {
  consumption_state out;
  out.name = config_.name;
  out.kafka = config_.kafka;
  out.topic = config_.topic;
  const auto at = connection();
  out.up = at.up;
  out.paused = paused_;
  out.last_error = told_.last_error();
  if (out.last_error.empty())
    out.last_error = at.last_error;
  if (out.last_error.empty() && at.up && live_->consumer().partitions() == 0)
    out.last_error = "topic " + config_.topic + " is not there";
  out.lag = lag();
  out.watermark = watermark();
  out.totals = told_.totals();
  out.down_since = down_since_ms_;
  out.writers = writers();
  for (const auto* l : {backlog_.get(), live_.get()}) {
    if (l == nullptr)
      continue;
    for (const auto& [p, s] : l->stretches()) {
      const auto there = live_->consumer().range(p);
      const auto& place = s->place();
      const int64_t end = place.end ? *place.end : there ? there->end : place.next;
      out.stretches.push_back({p, place.next, end, place.end.has_value()});
    }
  }
  return out;
}

}  // namespace troupe::topics
