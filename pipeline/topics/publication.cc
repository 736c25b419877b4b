#include "pipeline/topics/publication.h"

#include "pipeline/send/kept.h"
#include "pipeline/send/lane.h"
#include "pipeline/topics/bodies_session.h"
#include "pipeline/topics/frames_session.h"
#include "storage/base/fault_twin.h"
#include "storage/base/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace troupe::topics {
namespace {

const logger out_log("publish");

constexpr int64_t begin_again_ns = 5'000'000'000;
constexpr int64_t connect_again_ns = 30'000'000'000;
/// After an error of a producer that worked.
constexpr int64_t anew_ns = 1'000'000'000;
/// After one that lacks a right: somebody has to give it.
constexpr int64_t anew_without_right_ns = 5'000'000'000;
constexpr int64_t upkeep_ns = 1'000'000'000;
constexpr int64_t bound_ns = 5'000'000'000;
constexpr int64_t describe_ns = 60'000'000'000;
/// Slices of all shards in one step: the owner has other publications.
constexpr int most_slices = 64;
// What a slice takes: a sample has a few bytes in the log and an entry in memory.
constexpr uint64_t slice_memory = 16 * session::slice_bytes;
constexpr size_t give_up_slice_bytes = 4 << 20;
/// A run begins not so many sessions.
constexpr int session_bits = 24;
constexpr std::string_view write_down = "write down what was sent";

}  // namespace

publication::publication(config::publish_config config, session_options options,
                         publication_parts parts, bool from_run)
    : config_(std::move(config)),
      options_(options),
      parts_(std::move(parts)),
      from_run_(from_run),
      file_(*parts_.files, parts_.cursor_path),
      too_large_(options_.record_bytes),
      charged_(parts_.memory) {}

publication::~publication() = default;

std::string publication::hold_name(const std::string& name, uint32_t shard) {
  return send::hold_name(hold_prefix, name, shard);
}

void publication::note_error(const std::string& why) {
  if (why != error_ && !why.empty())
    out_log.error("{}: {}", config_.name, why);
  error_ = why;
}

// False: it failed.
bool publication::note_disk(const status& s, std::string_view what) {
  const std::string why = s.ok() ? "" : fmt::format("cannot {}: {}", what, s.message());
  if (why != disk_error_ && !why.empty())
    out_log.error("{}: {}", config_.name, why);
  disk_error_ = why;
  return s.ok();
}

std::string publication::last_error() const {
  if (!error_.empty())
    return error_;
  if (!disk_error_.empty())
    return disk_error_;
  return producer_ ? producer_->state().last_error : std::string();
}

uint64_t publication::dropped() const {
  const publish_figures& m = *parts_.metrics;
  return static_cast<uint64_t>(m.for_room.value() + m.too_large.value() + m.too_old.value() +
                               m.damaged.value());
}

status publication::begin(const moment& now) {
  next_try_ns_ = now.ns + begin_again_ns;
  storage::log_door& log = *parts_.log;
  auto loaded = file_.load();
  if (!loaded.ok() && loaded.code() != errc::corruption)
    return loaded.error();
  const bool is_new = !loaded.ok() || !*loaded;
  if (!loaded.ok()) {
    out_log.error("{}: everything that the log still has is sent again", loaded.error().message());
    at_ = send::lane::begin_of_log(log);
  } else if (*loaded) {
    at_ = std::move((*loaded)->stretches.front());
    at_.from = send::starts_of(at_, log);
  } else {
    // Held before looking: nothing may go in between.
    for (uint32_t i = 0; i < log.shard_count(); ++i)
      TROUPE_TRY(log.hold(hold_name(config_.name, i), i, log.end(i), config_.keep_bytes));
    at_ = send::lane::begin_of_run(log);
    if (!from_run_) {
      TROUPE_ASSIGN(at_, send::lane::begin_at_end(log));
    }
  }
  if (is_new)
    store_cursor();
  move_holds();
  begun_ = true;
  error_.clear();
  next_try_ns_ = 0;
  return {};
}

bool publication::step(const moment& now) {
  if (!begun_ && now.ns >= next_try_ns_ && !stopping_)
    if (const status s = begin(now); !s.ok())
      note_error("cannot begin: " + std::string(s.message()));
  if (!begun_)
    return false;
  if (now.ns >= next_description_ns_) {
    next_description_ns_ = now.ns + describe_ns;
    described_.add(parts_.described());
  }
  bool more = false;
  if (giving_up_)
    more = go_on_giving_up();
  else if (producer_ || (!paused_ && connect(now)))
    more = run(now);
  keep_up(now);
  return more;
}

bool publication::connect(const moment& now) {
  if (stopping_ || now.ns < next_try_ns_)
    return false;
  auto made = parts_.connect();
  if (!made.ok()) {
    next_try_ns_ = now.ns + connect_again_ns;
    parts_.metrics->errors.add();
    note_error("cannot make a producer: " + std::string(made.error().message()));
    return false;
  }
  producer_ = std::move(*made);
  return true;
}

bool publication::run(const moment& now) {
  status s = take_deliveries();
  if (s.ok())
    s = producer_->broken();
  if (!s.ok()) {
    start_anew(s, now);
    return false;
  }
  if (session_ && is_over())
    end_session();
  if (paused_)
    return false;
  const uint32_t count = producer_->partitions();
  if (session_ && count != 0 && count != partitions_ && !std::exchange(ending_, true)) {
    out_log.info("{}: the topic has {} partitions now", config_.name, count);
    session_->stop();
  }
  if (!session_ && count != 0 && !stopping_)
    begin_session(count);
  if (!session_)
    return false;
  auto more = session_->step(slices(), now);
  if (!more.ok()) {
    start_anew(more.error(), now);
    return false;
  }
  (void)charged_.set(producer_->queued_bytes() + session_->memory_bytes());
  return *more;
}

// Of itself, with nothing under way.
bool publication::is_over() const {
  return (session_->is_spoilt() && session_->under_way() == 0) || (ending_ && session_->is_idle());
}

status publication::take_deliveries() {
  const auto all = producer_->poll();
  if (all.empty() || !session_)
    return {};
  status s;
  for (const auto& d : all) {
    s = session_->on_delivery(d);
    if (!s.ok())
      break;
    if (d.error.ok())
      error_.clear();
  }
  append_moved();
  return s;
}

void publication::begin_session(uint32_t partitions) {
  session_parts p;
  p.log = parts_.log;
  p.to = producer_.get();
  p.rules = parts_.rules;
  p.described = &described_;
  p.metrics = parts_.metrics;
  p.too_large = &too_large_;
  p.node = parts_.node;
  p.number = (parts_.log->epoch() << session_bits) + ++*parts_.sessions;
  p.partitions = partitions_ = partitions;
  session_options o = options_;
  o.key_interval_ms = config_.key_interval_ms;
  parts_.metrics->sessions.add();
  if (config_.format == config::record_format::frames) {
    session_ = std::make_unique<frames_session>(p, o, at_);
    return;
  }
  const auto protocol = config_.format == config::record_format::remote_write
                            ? remote::write_protocol::v1
                            : remote::write_protocol::v2;
  session_ = std::make_unique<bodies_session>(p, o, protocol, at_);
}

void publication::end_session() {
  append_moved();
  if (session_)
    at_ = session_->at();
  session_.reset();
  ending_ = false;
  (void)charged_.set(0);
}

// What was not confirmed is read again from the log.
void publication::start_anew(const status& why, const moment& now) {
  parts_.metrics->errors.add();
  note_error(std::string(why.message()));
  end_session();
  if (TROUPE_FAULT(session_from_the_end))
    at_ = send::lane::begin_at_end(*parts_.log).value_or(at_);
  producer_.reset();
  next_try_ns_ = now.ns + (why.code() == errc::permission_denied ? anew_without_right_ns : anew_ns);
}

// How much may be read: without memory to spare no more than a record takes.
int publication::slices() {
  const uint64_t bytes = producer_->queued_bytes() + session_->memory_bytes();
  if (charged_.set(bytes + slice_memory))
    return most_slices;
  return session_->is_idle() ? 1 : 0;
}

void publication::stop() {
  stopping_ = true;
  if (session_)
    session_->stop();
}

bool publication::is_idle() const {
  return paused_ || !session_ || session_->is_idle() || is_over();
}

void publication::flush() {
  if (!begun_)
    return;
  append_moved();
  if (const status s = file_.sync(); !s.ok())
    note_disk(s, write_down);
}

// --- upkeep ---

send::cursor publication::now() {
  return {{at()}};
}

bool publication::store_cursor() {
  return note_disk(file_.store(now()), write_down);
}

void publication::append_moved() {
  const auto steps = session_ ? session_->take_moved() : std::vector<send::advance>();
  if (steps.empty())
    return;
  note_disk(file_.append(steps, [this] { return now(); }), write_down);
}

void publication::move_holds() {
  const auto oldest = at().from;
  if (oldest == held_)
    return;
  // What the cursor on disk still needs must not go.
  if (!held_.empty() && !store_cursor())
    return;
  for (uint32_t i = 0; i < oldest.size(); ++i)
    if (!note_disk(
            parts_.log->hold(hold_name(config_.name, i), i, oldest[i], 2 * config_.keep_bytes),
            "hold the log"))
      return;
  held_ = oldest;
}

void publication::keep_up(const moment& now) {
  if (now.ns < next_upkeep_ns_)
    return;
  next_upkeep_ns_ = now.ns + upkeep_ns;
  flush();
  move_holds();
  if (now.ns >= next_bound_ns_) {
    next_bound_ns_ = now.ns + bound_ns;
    bound_log();
  }
  publish(now);
}

void publication::bound_log() {
  const storage::log_door& log = *parts_.log;
  const uint32_t shards = log.shard_count();
  const uint64_t most = config_.keep_bytes / shards;
  std::vector<storage::log_segment> horizons(shards);
  bool beyond = false, far_beyond = false;
  lag_bytes_ = 0;
  for (uint32_t i = 0; i < shards; ++i) {
    const auto from = held_.empty() ? log.end(i) : held_[i];
    const uint64_t behind = log.bytes_since(i, from);
    lag_bytes_ += behind;
    if (behind > most)
      horizons[i] = log.oldest_within(i, most);
    beyond = beyond || horizons[i] > from;
    far_beyond = far_beyond || behind > most + most / 2;
  }
  const double confirmed = parts_.metrics->records.value();
  const bool is_moving = confirmed != std::exchange(confirmed_, confirmed);
  // As long as Kafka takes records, the oldest are on their way.
  if (!beyond || giving_up_ || stopping_ || (is_moving && !far_beyond))
    return;
  end_session();
  // Its records are in the part that goes.
  producer_.reset();
  given_up_ = 0;
  giving_up_ = std::make_unique<give_up>(
      *parts_.log, at_, parts_.rules,
      give_up::extent{std::move(horizons), config_.format == config::record_format::frames,
                      options_.histograms});
}

bool publication::go_on_giving_up() {
  auto through = giving_up_->step(give_up_slice_bytes);
  const uint64_t samples = giving_up_->samples();
  parts_.metrics->for_room.add(static_cast<double>(samples - std::exchange(given_up_, samples)));
  if (!through.ok()) {
    note_error("cannot read the log: " + std::string(through.error().message()));
    giving_up_.reset();
    return false;
  }
  if (!*through)
    return true;
  at_ = giving_up_->rest();
  giving_up_.reset();
  out_log.error("{}: {} samples are given up: the log that waits has reached its bound of {} bytes",
                config_.name, samples, config_.keep_bytes);
  move_holds();
  return true;
}

void publication::publish(const moment& now) {
  // Whether there is something new in the log, a paused one does not know.
  const timestamp_ms oldest = session_ && !paused_ ? session_->oldest_ts() : max_time;
  if (session_ && session_->caught_up() && !paused_)
    done_ms_ = now.ms;
  else if (oldest != max_time)
    done_ms_ = oldest;
  else if (done_ms_ == min_time)
    done_ms_ = now.ms;
  lag_ms_ = std::max<int64_t>(now.ms - done_ms_, 0);
  if (is_up())
    down_since_.reset();
  else if (!down_since_)
    down_since_ = now.ms;
  publish_figures& m = *parts_.metrics;
  m.lag_seconds.set(static_cast<double>(lag_ms_) / 1000);
  m.lag_bytes.set(static_cast<double>(lag_bytes_));
  m.queued_bytes.set(producer_ ? static_cast<double>(producer_->queued_bytes()) : 0);
  m.up.set(is_up() ? 1 : 0);
}

}  // namespace troupe::topics
