#include "pipeline/replay/topic_replay.h"

#include "pipeline/replay/partition_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>
#include <utility>

namespace troupe::replay {
namespace {

constexpr int64_t ns_per_ms = 1'000'000;
constexpr int64_t idle_pause_ms = 10;
constexpr size_t bytes_a_poll = 4u << 20;
constexpr size_t least_queue_bytes = 256u << 10;

timestamp_ms moved(timestamp_ms t, int64_t by) {
  if (t == min_time || t == max_time)
    return t;
  timestamp_ms out = 0;
  if (__builtin_add_overflow(t, by, &out))
    return by < 0 ? min_time : max_time;
  return out;
}

/// Of a record of troupe's own.
std::optional<topics::record_header> header_of(std::string_view payload) {
  if (!topics::is_record(payload))
    return std::nullopt;
  const auto parts = topics::split_record(payload);
  return parts.ok() ? std::optional(parts->header) : std::nullopt;
}

/// One partition: what comes of it, and what waits to be sent.
struct lane {
  lane(kafka::consumer& from, uint32_t number, const feed_bounds& bounds, size_t queue_bytes,
       const topics::reader_rules& rules)
      : reader(rules),
        feed(from, number, bounds, queue_bytes, [this](const auto& r) { learn(r); }) {}

  /// Records of the segment that is wanted.
  void learn(const kafka::fetched_record& r) {
    if (r.offset != key_offset) {
      const auto header = header_of(r.payload);
      if (!header || header->key_offset != key_offset)
        return;
    }
    // What it does not teach is told by the records that need it.
    reader.learn(r.payload, r.offset).ignore();
  }

  /// How far a writer was, and when it said so.
  struct writer {
    timestamp_ms as_of = min_time, ts = min_time;
  };

  topics::record_reader reader;
  partition_feed feed;
  int64_t key_offset = -1;              ///< of the segment that is learnt
  std::unordered_set<int64_t> learnt;   ///< segments, whether that helped or not
  std::map<uint64_t, writer> writers;   ///< by node
  std::vector<send::entry> entries;     ///< that wait
  partition_place kept;                 ///< what is written
  int64_t reached = 0;                  ///< records before are written or wait
  bool behind = false;                  ///< what follows lies behind the window
  bool closed = false;                  ///< nothing waits, nothing comes
  std::unordered_set<uint64_t> series;  ///< hashes
  replay_counts counts;
};

class topic_run {
 public:
  topic_run(const replay_options& o, const replay_doors& doors, places done)
      : options_(o),
        doors_(doors),
        kept_(std::move(done)),
        sender_(doors.write, doors.clk, doors.pause, doors.stopped, o.sender),
        stop_ts_(moved(o.subject.window.to, o.slack_ms)) {}

  replay_report run() {
    replay_report out;
    out.failed = go();
    if (!kept_.empty() && doors_.keep)
      if (const auto s = doors_.keep(kept_); !s.ok() && out.failed.ok())
        out.failed = s;
    report(out);
    return out;
  }

 private:
  status go() {
    TROUPE_ASSIGN(consumer_, doors_.kafka.make_consumer(options_.cluster, options_.subject.topic));
    TROUPE_TRY(find_partitions());
    TROUPE_TRY(begin_lanes());
    heard_ns_ = doors_.clk.monotonic_ns();
    for (;;) {
      TROUPE_TRY(check_stopped());
      bool waits = false, open = false;
      lane* first = nullptr;
      for (const auto& l : lanes_) {
        if (l->feed.has_ended()) {
          TROUPE_TRY(close(*l));
          continue;
        }
        open = true;
        if (!l->feed.is_ready())
          waits = true;
        else if (first == nullptr || l->feed.front().ts < first->feed.front().ts)
          first = l.get();
      }
      if (!open)
        return {};
      if (waits) {
        TROUPE_TRY(poll());
        continue;
      }
      TROUPE_TRY(process(*first));
      heard_ns_ = doors_.clk.monotonic_ns();
      show();
    }
  }

  status check_stopped() const {
    return doors_.stopped() ? status(errc::canceled, "stopped") : status();
  }

  std::string last_error() const {
    const auto s = consumer_->state();
    return s.last_error.empty() ? "no broker answers" : s.last_error;
  }

  /// Waits for what the cluster has to tell; `unknown` if it has not while it was there.
  template <class Known>
  status wait_for(const Known& known, int64_t patience_ms, const status& unknown) {
    const int64_t begin_ns = doors_.clk.monotonic_ns();
    int64_t down_ns = begin_ns;
    while (!known()) {
      TROUPE_TRY(check_stopped());
      const int64_t now_ns = doors_.clk.monotonic_ns();
      if (!consumer_->state().up)
        down_ns = now_ns;
      if (now_ns - down_ns >= patience_ms * ns_per_ms)
        return unknown;
      if (now_ns - begin_ns >= options_.connect_ms * ns_per_ms)
        return {errc::unavailable, "Kafka: " + last_error()};
      doors_.pause(idle_pause_ms);
    }
    return {};
  }

  status find_partitions() {
    uint32_t count = 0;
    TROUPE_TRY(wait_for([&] { return (count = consumer_->partitions()) > 0; }, options_.missing_ms,
                        {errc::not_found, "there is no topic \"" + options_.subject.topic + "\""}));
    const auto queue = std::max(options_.queue_bytes / count, least_queue_bytes);
    const feed_bounds bounds{moved(options_.subject.window.from, -options_.slack_ms), stop_ts_};
    for (uint32_t p = 0; p < count; ++p)
      lanes_.push_back(std::make_unique<lane>(*consumer_, p, bounds, queue, options_.rules));
    return {};
  }

  status begin_lanes() {
    std::vector<std::optional<kafka::offset_range>> there(lanes_.size());
    const auto all_known = [&] {
      for (uint32_t p = 0; p < there.size(); ++p)
        if (!there[p])
          there[p] = consumer_->range(p);
      return std::all_of(there.begin(), there.end(), [](const auto& r) { return r.has_value(); });
    };
    TROUPE_TRY(wait_for(all_known, options_.connect_ms,
                        {errc::unavailable, "the brokers do not tell the topic's offsets"}));
    for (const auto& l : lanes_) {
      const auto place = kept_.find(l->feed.partition());
      if (place != kept_.end() && place->second.finished) {
        l->closed = true;
        l->feed.finish();
        continue;
      }
      TROUPE_TRY(
          l->feed.begin(*there[l->feed.partition()],
                        place == kept_.end() ? std::nullopt : std::optional(place->second.next)));
    }
    return {};
  }

  status poll() {
    auto got = consumer_->poll(bytes_a_poll);
    const int64_t now_ns = doors_.clk.monotonic_ns();
    if (!got.records.empty() || !got.stopped.empty()) {
      heard_ns_ = now_ns;
      for (const auto& l : lanes_)
        l->feed.enter_poll();
      for (auto& r : got.records)
        if (r.partition < lanes_.size())
          TROUPE_TRY(lanes_[r.partition]->feed.take(std::move(r)));
      for (const auto& s : got.stopped)
        if (s.partition < lanes_.size())
          TROUPE_TRY(lanes_[s.partition]->feed.take(s));
      return {};
    }
    if (!consumer_->state().up)
      down_ns_ = now_ns;
    if (now_ns - heard_ns_ >= options_.away_ms * ns_per_ms && down_ns_ == now_ns)
      return {errc::unavailable, "Kafka: " + last_error()};
    if (now_ns - std::max(heard_ns_, down_ns_) >= options_.quiet_ms * ns_per_ms) {
      heard_ns_ = now_ns;
      for (const auto& l : lanes_)
        if (!l->feed.has_ended() && !l->feed.is_ready())
          TROUPE_TRY(l->feed.give_up());
      return {};
    }
    doors_.pause(idle_pause_ms);
    return {};
  }

  /// The first record of the lane: to be learnt for, read, or left as the first behind the window.
  status process(lane& l) {
    const auto& r = l.feed.front();
    if (is_behind_window(l, r)) {
      l.behind = true;
      l.feed.finish();
      return {};
    }
    if (!l.reader.knows(r.payload)) {
      const auto header = header_of(r.payload);
      if (header && header->key_offset >= l.feed.oldest() && header->key_offset < r.offset &&
          l.learnt.insert(header->key_offset).second) {
        l.key_offset = header->key_offset;
        return l.feed.learn_from(header->key_offset);
      }
    }
    l.reached = r.offset;
    TROUPE_TRY(read(l, r));
    l.reached = r.offset + 1;
    l.feed.pop();
    if (l.entries.empty())
      advance(l);
    return save_in_time();
  }

  /// Its time is, and no writer that was heard of lately is still busy with the window.
  bool is_behind_window(lane& l, const kafka::fetched_record& r) {
    if (stop_ts_ == max_time || r.ts < stop_ts_)
      return false;
    if (const auto header = header_of(r.payload))
      l.writers[header->node] = {header->as_of, r.ts};
    const bool busy = std::any_of(l.writers.begin(), l.writers.end(), [&](const auto& w) {
      return w.second.as_of != min_time && w.second.as_of < options_.subject.window.to &&
             moved(w.second.ts, options_.slack_ms) >= r.ts;
    });
    return !busy;
  }

  status read(lane& l, const kafka::fetched_record& r) {
    ++l.counts.records;
    auto got = l.reader.read(r.payload, r.offset);
    if (!got.ok()) {
      ++l.counts.poisoned;
      note_unreadable(r, got.error().message());
      return {};
    }
    if (got->lost > 0)
      note_unreadable(r, "it refers to a record that is gone");
    if (got->refused > 0)
      note_unreadable(r, got->why);
    if (got->header)
      l.writers[got->header->node] = {got->header->as_of, r.ts};
    l.counts.samples += got->samples;
    l.counts.unreadable += got->lost + got->refused;
    for (const auto& b : got->batches) {
      sender_.describe(b->metadata);
      const size_t before = l.entries.size();
      l.counts.outside += take_entries(*b, options_.subject.window, l.entries);
      count(l, before);
      TROUPE_TRY(send(l, options_.samples_per_request, true));
    }
    return {};
  }

  void note_unreadable(const kafka::fetched_record& r, std::string_view why) {
    if (first_unreadable_.empty())
      first_unreadable_ = fmt::format("partition {}, offset {}: {}", r.partition, r.offset, why);
  }

  static void count(lane& l, size_t from) {
    for (size_t i = from; i < l.entries.size(); ++i) {
      const auto& e = l.entries[i];
      if (e.kind == send::entry_kind::exemplar)
        continue;
      l.counts.first = std::min(l.counts.first, e.ts);
      l.counts.last = std::max(l.counts.last, e.ts);
      l.series.insert(e.series.hash());
    }
  }

  /// As long as `least` entries wait. `reading`: not all of the record at l.reached are there yet.
  status send(lane& l, size_t least, bool reading) {
    if (options_.dry_run)
      l.entries.clear();
    while (l.entries.size() >= least) {
      const auto end = l.entries.begin() + static_cast<ptrdiff_t>(std::min(
                                               l.entries.size(), options_.samples_per_request));
      TROUPE_ASSIGN(const auto sent, sender_.send({std::make_move_iterator(l.entries.begin()),
                                                   std::make_move_iterator(end)}));
      l.entries.erase(l.entries.begin(), end);
      l.counts.written += sent.written;
      l.counts.refused += sent.refused;
      l.counts.not_carried += sent.not_carried;
      if (first_refusal_.empty())
        first_refusal_ = sent.reason;
      // What waited of earlier records was less than a request, and is in the first one.
      if (reading)
        advance(l);
    }
    return {};
  }

  /// The samples of all records before l.reached are written.
  void advance(lane& l) {
    l.kept.next = std::max(l.kept.next, l.reached);
    kept_[l.feed.partition()] = l.kept;
  }

  status close(lane& l) {
    if (l.closed)
      return {};
    TROUPE_TRY(send(l, 1, false));
    l.closed = true;
    l.reached = l.feed.position();
    l.kept.finished = l.behind;
    advance(l);
    return {};
  }

  status save_in_time() {
    const int64_t now_ns = doors_.clk.monotonic_ns();
    if (!doors_.keep || now_ns - saved_ns_ < options_.save_ms * ns_per_ms)
      return {};
    saved_ns_ = now_ns;
    return doors_.keep(kept_);
  }

  void show() {
    uint64_t done = 0, expected = 0;
    for (const auto& l : lanes_) {
      done += l->feed.done_records();
      expected += l->feed.expected_records();
    }
    doors_.shown.update(done, expected);
  }

  void report(replay_report& out) const {
    std::vector<uint64_t> series;
    for (const auto& l : lanes_) {
      replay_report::partition p{l->feed.partition(), l->counts, l->closed && l->feed.is_whole()};
      p.counts.series = l->series.size();
      p.counts.gaps = l->feed.gaps();
      series.insert(series.end(), l->series.begin(), l->series.end());
      for (const auto& n : l->feed.notes())
        out.notes.push_back(fmt::format("partition {}: {}", p.number, n));
      out.total.add(p.counts);
      out.partitions.push_back(std::move(p));
    }
    std::sort(series.begin(), series.end());
    out.total.series =
        static_cast<uint64_t>(std::unique(series.begin(), series.end()) - series.begin());
    out.requests = sender_.requests();
    out.retries = sender_.retries();
    out.protocol = sender_.protocol();
    out.first_refusal = first_refusal_;
    out.first_unreadable = first_unreadable_;
  }

  const replay_options& options_;
  const replay_doors& doors_;
  places kept_;
  sample_sender sender_;
  const timestamp_ms stop_ts_;
  std::unique_ptr<kafka::consumer> consumer_;
  std::vector<std::unique_ptr<lane>> lanes_;
  int64_t heard_ns_ = 0, down_ns_ = 0, saved_ns_ = 0;
  std::string first_refusal_, first_unreadable_;
};

}  // namespace

void replay_counts::add(const replay_counts& o) {
  records += o.records;
  samples += o.samples;
  written += o.written;
  outside += o.outside;
  refused += o.refused;
  not_carried += o.not_carried;
  unreadable += o.unreadable;
  poisoned += o.poisoned;
  gaps += o.gaps;
  series += o.series;
  first = std::min(first, o.first);
  last = std::max(last, o.last);
}

bool replay_report::is_whole() const {
  return failed.ok() && total.refused == 0 && total.not_carried == 0 && total.unreadable == 0 &&
         total.poisoned == 0 && total.gaps == 0 &&
         std::all_of(partitions.begin(), partitions.end(), [](const auto& p) { return p.done; });
}

replay_report replay_topic(const replay_options& options, const replay_doors& doors, places done) {
  return topic_run(options, doors, std::move(done)).run();
}

}  // namespace troupe::replay
