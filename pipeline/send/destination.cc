#include "pipeline/send/destination.h"

#include "pipeline/send/answer.h"
#include "pipeline/send/kept.h"
#include "pipeline/send/request.h"
#include "storage/base/log.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troupe::send {
namespace {

const logger out_log("remote_write");

constexpr int64_t ns_per_ms = 1'000'000;
constexpr size_t read_slice_bytes = 32 << 10;
// As far as a slice can be small: a frame is read whole.
constexpr size_t least_slice_bytes = 64;
// What the entries of a slice take: a sample has a few bytes in the log and an entry in memory.
constexpr uint64_t slice_memory = 16 * read_slice_bytes;
/// Slices of all shards in one step: the caller has other destinations.
constexpr int most_slices = 32;
constexpr uint64_t max_answer_bytes = 1 << 20;
constexpr int64_t begin_again_ns = 5'000'000'000;
// One request at a time asks whether a receiver is back, so often at most; and so long fresh
// samples wait at most for others while an outage is caught up.
constexpr int64_t ask_again_ms = 1'000;
// Without a good answer for so long it was an outage.
constexpr int64_t outage_ns = 2'000'000'000;

lane_options lane_options_of(const config::remote_write_config& c, remote::write_protocol p) {
  return {c.send_native_histograms, c.send_exemplars, p == remote::write_protocol::v2,
          c.queue.sample_age_limit_ms};
}

}  // namespace

destination::destination(config::remote_write_config config, destination_options options,
                         destination_parts parts, bool from_run)
    : config_(std::move(config)),
      options_(options),
      parts_(std::move(parts)),
      protocol_(config_.protobuf_message == remote::message_name(remote::write_protocol::v2)
                    ? remote::write_protocol::v2
                    : remote::write_protocol::v1),
      from_run_(from_run),
      file_(*parts_.files, parts_.cursor_path),
      encoder_(protocol_),
      allowed_(static_cast<size_t>(std::max<int64_t>(config_.queue.min_shards, 1)),
               static_cast<size_t>(std::max<int64_t>(config_.queue.max_shards, 1))),
      charged_(parts_.memory) {
  parts_.metrics->shards_max.set(static_cast<double>(allowed_.most()));
  parts_.metrics->shards_min.set(static_cast<double>(allowed_.least()));
  parts_.metrics->capacity.set(static_cast<double>(config_.queue.capacity));
  parts_.metrics->most_per_send.set(static_cast<double>(config_.queue.max_samples_per_send));
  parts_.metrics->log_limit.set(static_cast<double>(options_.log_limit_bytes));
}

destination::~destination() = default;

std::string destination::hold_name(const std::string& id, uint32_t shard) {
  return send::hold_name(hold_prefix, id, shard);
}

void destination::note_error(const std::string& why) {
  if (why != last_error_ && !why.empty())
    out_log.error("{}: {}", config_.name.empty() ? parts_.id : config_.name, why);
  last_error_ = why;
}

status destination::begin(int64_t now_ns) {
  next_begin_ns_ = now_ns + begin_again_ns;
  storage::log_door& log = *parts_.log;
  auto loaded = file_.load();
  cursor at;
  bool is_new = false;
  if (!loaded.ok() && loaded.code() != errc::corruption)
    return loaded.error();
  if (!loaded.ok()) {
    out_log.error("{}: everything that the log still has is sent again", loaded.error().message());
    at.stretches = {lane::begin_of_log(log)};
    is_new = true;
  } else if (*loaded) {
    at = std::move(**loaded);
  } else {
    // Held before looking: nothing may go in between.
    for (uint32_t i = 0; i < log.shard_count(); ++i)
      TROUPE_TRY(log.hold(hold_name(parts_.id, i), i, log.end(i), options_.log_limit_bytes));
    stretch first = lane::begin_of_run(log);
    if (!from_run_) {
      TROUPE_ASSIGN(first, lane::begin_at_end(log));
    }
    at.stretches = {std::move(first)};
    is_new = true;
  }
  for (auto& s : at.stretches)
    lanes_.push_back(std::make_unique<lane>(log, std::move(s), parts_.rules,
                                            lane_options_of(config_, protocol_)));
  published_.resize(lanes_.size());
  if (is_new)
    store_cursor();
  move_holds();
  begun_ = true;
  return {};
}

std::vector<http::fetch_request> destination::step(uint64_t& next_token, timestamp_ms now_ms,
                                                   int64_t now_ns) {
  std::vector<http::fetch_request> out;
  if (!begun_ && now_ns >= next_begin_ns_ && !stopping_)
    if (const status s = begin(now_ns); !s.ok())
      note_error("cannot begin: " + std::string(s.message()));
  if (!begun_)
    return out;
  if (!stopping_) {
    read(now_ms, now_ns);
    // First, so that the first request in version 2.0 has descriptions.
    send_metadata(next_token, now_ns, out);
    fill(next_token, now_ms, now_ns, out);
    overtake(now_ms, now_ns, next_token, out);
  }
  keep_up(now_ms, now_ns);
  return out;
}

void destination::read(timestamp_ms now_ms, int64_t now_ns) {
  const auto full = static_cast<size_t>(std::max<int64_t>(config_.queue.max_samples_per_send, 1));
  const size_t wanted =
      static_cast<size_t>(std::max<int64_t>(config_.queue.capacity, 1)) * allowed_.allowed();
  for (auto& l : lanes_)
    for (int i = 0; i < most_slices; ++i) {
      // Without memory to spare no more is read than a request takes: the log keeps the rest.
      const bool granted = charge(slice_memory);
      const size_t most = granted ? wanted : std::min(full, wanted);
      auto more = l->read(most, granted ? read_slice_bytes : least_slice_bytes, now_ms, now_ns);
      if (!more.ok())
        note_error("cannot read the log: " + std::string(more.error().message()));
      described_.add(l->take_described());
      if (!more.ok() || !*more || l->waiting() >= most)
        break;
    }
  charge(0);
}

// Charges what waits and what is under way, and what is about to be read. False: that is more than
// is granted.
bool destination::charge(uint64_t ahead) {
  uint64_t bytes = ahead;
  for (const auto& l : lanes_)
    bytes += l->bytes();
  // The HTTP client has a copy of the body.
  for (const auto& r : requests_)
    bytes += 2 * r.body.size();
  return charged_.set(bytes);
}

bool destination::may_send(const lane& from, bool backlog, int64_t now_ns) {
  size_t under_way = 0;
  for (const auto& r : requests_)
    under_way += r.what == request::content::entries && r.backlog == backlog;
  const size_t most = backlog ? std::max<size_t>(allowed_.allowed() / 2, 1) : allowed_.allowed();
  if (under_way >= most || from.ready() == 0)
    return false;
  if (backlog)
    return options_.backlog_rate == 0 || backlog_credit_ > 0;
  const auto full = static_cast<size_t>(std::max<int64_t>(config_.queue.max_samples_per_send, 1));
  const auto capacity = static_cast<size_t>(std::max<int64_t>(config_.queue.capacity, 1));
  int64_t deadline_ms = config_.queue.batch_send_deadline_ms;
  if (lanes_.size() > 1)
    deadline_ms = std::min(deadline_ms, ask_again_ms);
  return from.ready() >= full || from.waiting() >= capacity * allowed_.allowed() ||
         now_ns - from.oldest_ready_ns() >= deadline_ms * ns_per_ms;
}

void destination::fill(uint64_t& next_token, timestamp_ms now_ms, int64_t now_ns,
                       std::vector<http::fetch_request>& out) {
  for (auto at = requests_.begin(); at != requests_.end();) {
    const auto r = at++;
    if (r->token != 0 || r->not_before_ns > now_ns)
      continue;
    if (r->what == request::content::entries && drop_from(*r, now_ms)) {
      finish(r, false);
      continue;
    }
    out.push_back(to_fetch(*r, next_token++));
  }
  if (options_.backlog_rate > 0) {
    // At most a second of it at once.
    const double passed = static_cast<double>(now_ns - std::exchange(credit_ns_, now_ns)) / 1e9;
    backlog_credit_ =
        std::min(backlog_credit_ + passed * options_.backlog_rate, options_.backlog_rate);
  }
  const auto most = static_cast<size_t>(std::max<int64_t>(config_.queue.max_samples_per_send, 1));
  for (size_t i = lanes_.size(); i-- > 0;) {
    lane& from = *lanes_[i];
    const bool backlog = i + 1 < lanes_.size();
    while (may_send(from, backlog, now_ns))
      make_request(from, backlog, from.take(most), next_token, now_ms, out);
  }
}

void destination::make_request(lane& from, bool backlog, std::vector<portion> parts,
                               uint64_t& next_token, timestamp_ms now_ms,
                               std::vector<http::fetch_request>& out) {
  request r;
  r.from = &from;
  r.backlog = backlog;
  r.parts = std::move(parts);
  r.backoff_ms = config_.queue.min_backoff_ms;
  requests_.push_back(std::move(r));
  const auto at = std::prev(requests_.end());
  if (drop_from(*at, now_ms))
    return finish(at, false);
  if (backlog)
    backlog_credit_ -= static_cast<double>(at->counts.total());
  out.push_back(to_fetch(*at, next_token++));
}

http::fetch_request destination::to_fetch(request& r, uint64_t token) {
  r.token = token;
  const bool metadata = r.what == request::content::metadata;
  (metadata ? parts_.metrics->metadata_bytes : parts_.metrics->bytes)
      .add(static_cast<double>(r.body.size()));
  if (metadata)
    parts_.metrics->metadata_sent.add(static_cast<double>(r.families));
  else
    parts_.metrics->sent.add(r.counts);
  http::fetch_request f;
  f.token = token;
  f.to = parts_.to;
  f.method = "POST";
  f.header_fields = {
      {"Content-Encoding", "snappy"},
      {"Content-Type", std::string(remote::content_type(protocol_))},
      {"X-Prometheus-Remote-Write-Version", std::string(remote::version_header(protocol_))}};
  for (const auto& [name, value] : config_.headers)
    f.header_fields.push_back({name, value});
  if (r.attempts > 0)
    f.header_fields.push_back({"Retry-Attempt", std::to_string(r.attempts)});
  f.body = r.body;
  f.timeout_ms = config_.remote_timeout_ms;
  f.max_body_bytes = max_answer_bytes;
  f.want_headers = true;
  f.rotate_addresses = config_.round_robin_dns;
  f.grants = parts_.grants;
  return f;
}

// What has become too old, or must go for room, while it waited. Encodes what is left. True:
// nothing is.
bool destination::drop_from(request& r, timestamp_ms now_ms) {
  bool changed = false;
  const int64_t limit = config_.queue.sample_age_limit_ms;
  for (auto& p : r.parts) {
    const size_t before = p.entries.size();
    if (r.from->is_dropped(p)) {
      r.from->count_dropped(p.entries);
      p.entries.clear();
    } else if (limit > 0) {
      entry_counts old;
      std::erase_if(p.entries, [&](const entry& e) {
        if (now_ms - e.ts <= limit)
          return false;
        old.add(e.kind);
        return true;
      });
      parts_.metrics->too_old.add(old);
    }
    changed = changed || p.entries.size() != before;
  }
  if (changed || r.body.empty()) {
    r.counts = count(r.parts);
    r.body = encoder_.encode(r.parts, described_);
  }
  return r.counts.total() == 0;
}

bool destination::on_result(const http::fetch_result& got, timestamp_ms now_ms, int64_t now_ns) {
  const auto at = std::find_if(requests_.begin(), requests_.end(), [&](const request& r) {
    return r.token != 0 && r.token == got.token;
  });
  if (at == requests_.end())
    return false;
  at->token = 0;
  take_answer(at, got, now_ms, now_ns);
  return true;
}

void destination::take_answer(std::list<request>::iterator at, const http::fetch_result& got,
                              timestamp_ms now_ms, int64_t now_ns) {
  parts_.metrics->request_seconds.observe(static_cast<double>(got.duration_ns) / 1e9);
  const verdict v = judge(got, config_.queue.retry_on_http_429);
  answering_ = v != verdict::again;
  if (answering_ && now_ns - std::exchange(last_good_ns_, now_ns) > outage_ns)
    for (auto& r : requests_)
      if (!r.receiver_asked)
        r.not_before_ns = std::min(r.not_before_ns, now_ns);
  if (at->what == request::content::probe)
    return take_probe(at, v == verdict::taken, v == verdict::refused, now_ns);
  if (v == verdict::again) {
    note_error("sending failed: " + describe(got));
    allowed_.on_failure(now_ns);
    const int64_t asked_ms = retry_after_ms(got.header_fields, now_ms);
    at->receiver_asked = asked_ms > 0;
    int64_t pause_ms = at->receiver_asked ? asked_ms : at->backoff_ms;
    at->backoff_ms = std::min(pause_ms * 2, config_.queue.max_backoff_ms);
    if (!at->receiver_asked && at == requests_.begin())
      pause_ms = std::min(pause_ms, std::max(ask_again_ms, config_.queue.min_backoff_ms));
    at->not_before_ns = now_ns + pause_ms * ns_per_ms;
    ++at->attempts;
    if (at->what == request::content::metadata)
      parts_.metrics->metadata_retried.add(static_cast<double>(at->families));
    else
      parts_.metrics->retried.add(at->counts);
    return;
  }
  allowed_.on_success(at->from != nullptr && at->from->ready() > 0, now_ns);
  if (at->what == request::content::metadata) {
    if (v == verdict::refused) {
      note_error("metadata were refused: " + describe(got));
      parts_.metrics->metadata_failed.add(static_cast<double>(at->families));
    }
    requests_.erase(at);
    return;
  }
  entry_counts lost;
  if (protocol_ == remote::write_protocol::v2) {
    const auto have = written(got.header_fields).value_or(entry_counts{});
    lost = at->counts.without(have);
  } else if (v == verdict::refused) {
    lost = at->counts;
  }
  if (v == verdict::refused)
    note_error("samples were refused: " + describe(got));
  else if (lost.total() != 0)
    note_error("the receiver does not confirm that it has stored everything");
  else
    last_error_.clear();
  parts_.metrics->failed.add(lost);
  finish(at, v == verdict::taken);
}

void destination::finish(std::list<request>::iterator at, bool taken) {
  uint32_t index = 0;
  while (lanes_[index].get() != at->from)
    ++index;
  std::vector<advance> steps;
  for (const auto& p : at->parts) {
    at->from->settle(p);
    steps.push_back({index, p.slot, at->from->next(p.slot)});
    if (taken)
      for (const auto& e : p.entries)
        highest_sent_ = std::max(highest_sent_, e.ts);
  }
  requests_.erase(at);
  if (const status s = file_.append(steps, [this] { return now(); }); !s.ok())
    note_error("cannot write down what was sent: " + std::string(s.message()));
}

bool destination::idle() const {
  return std::none_of(requests_.begin(), requests_.end(),
                      [](const request& r) { return r.token != 0; });
}

}  // namespace troupe::send
