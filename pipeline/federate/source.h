// All subscriptions of other nodes at this one. A request waits here, bound to no thread, until
// there is something to answer or its time is over. One owner; times are passed in.
#pragma once

#include "pipeline/federate/feed.h"
#include "pipeline/federate/stream.h"
#include "pipeline/send/metadata_book.h"
#include "storage/base/stats.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::federate {

struct source_environment {
  feed_parts feeds;
  registry* metrics = nullptr;
  send::metadata_source described;
  std::function<bool()> readable;  ///< the log of earlier runs is replayed
};

class source {
 public:
  using reply = std::function<void(stream_answer)>;

  explicit source(source_environment env);
  ~source();

  void set_external_labels(std::map<std::string, std::string> labels);
  /// Calls `done` once, now or in a later step. `gone` may be null: the subscriber went away.
  void ask(stream_request r, std::shared_ptr<const std::atomic<bool>> gone, reply done,
           timestamp_ms now_ms, int64_t now_ns);
  /// Answers what can be answered. Call ten times a second while it is in use.
  void step(timestamp_ms now_ms, int64_t now_ns);
  /// The subscriber will not come again: its part of the log may go. not_found if it is unknown.
  status forget(const std::string& subscription);
  bool is_asked() const;
  /// Somebody asks or will soon.
  bool is_in_use() const;
  /// Requests that wait are answered; further ones are refused.
  void stop();

 private:
  struct subscriber;

  status admit(const stream_request& r);
  void answer(subscriber& s, stream_answer a);
  void poll(subscriber& s, timestamp_ms now_ms, int64_t now_ns);
  void describe(int64_t now_ns);
  size_t known() const;

  source_environment env_;
  std::map<std::string, std::string> external_labels_;
  std::map<std::string, std::unique_ptr<subscriber>> subscribers_;
  send::metadata_book described_;
  int64_t next_description_ns_ = 0;
  bool stopping_ = false;
  gauge& subscriptions_;
};

}  // namespace troupe::federate
