#include "pipeline/send/figures.h"

namespace troupe::send {
namespace {

const std::string ours = "troupe_remote_storage_";
const std::string theirs = "prometheus_remote_storage_";

constexpr std::array<const char*, entry_kinds> kinds{"samples", "histograms", "exemplars"};

/// Prometheus' sentBatchDuration: DefBuckets and up to 5 minutes.
const std::vector<double> duration_bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
                                          2.5,   5,    10,    25,   60,  120,  300};

}  // namespace

class figures::maker {
 public:
  maker(registry& r, const std::string& name, const std::string& url)
      : registry_(r), labels_{{"remote_name", name}, {"url", url}} {}

  counter& count(const std::string& name, const std::string& help, bool aliased = true) {
    auto& made = registry_.get_counter(ours + name, help, labels_);
    if (aliased)
      registry_.add_alias(ours + name, theirs + name);
    return made;
  }
  gauge& level(const std::string& name, const std::string& help, bool aliased = true) {
    auto& made = registry_.get_gauge(ours + name, help, labels_);
    if (aliased)
      registry_.add_alias(ours + name, theirs + name);
    return made;
  }
  kind_counters by_kind(const std::string& what, const std::string& help) {
    kind_counters out;
    for (size_t i = 0; i < entry_kinds; ++i)
      out.of[i] = &count(std::string(kinds[i]) + "_" + what, "Number of " + (kinds[i] + help));
    return out;
  }
  kind_counters dropped(const std::string& reason) {
    auto with = *this;
    with.labels_.emplace_back("reason", reason);
    return with.by_kind("dropped_total", " that are not sent, by reason.");
  }
  bucket_histogram& durations() {
    auto& made = registry_.get_histogram(ours + "sent_batch_duration_seconds",
                                         "How long requests take.", duration_bounds, labels_);
    registry_.add_alias(ours + "sent_batch_duration_seconds",
                        theirs + "sent_batch_duration_seconds");
    return made;
  }

 private:
  registry& registry_;
  label_pairs labels_;
};

void kind_counters::add(const entry_counts& n) const {
  of[0]->add(static_cast<double>(n.samples));
  of[1]->add(static_cast<double>(n.histograms));
  of[2]->add(static_cast<double>(n.exemplars));
}

figures::figures(registry& metrics, const std::string& name, const std::string& url)
    : figures(maker(metrics, name, url)) {}

figures::figures(maker m)
    : sent(m.by_kind("total", " sent.")),
      failed(m.by_kind("failed_total", " the receiver refused.")),
      retried(m.by_kind("retried_total",
                        " in requests that failed and "
                        "are sent again.")),
      relabelled(m.dropped("dropped_series")),
      too_old(m.dropped("too_old")),
      custom_buckets(m.dropped("nhcb_not_supported")),
      for_room(m.dropped("disk_bound")),
      metadata_sent(m.count("metadata_total", "Metadata entries sent.")),
      metadata_failed(m.count("metadata_failed_total",
                              "Metadata entries the receiver "
                              "refused.")),
      metadata_retried(m.count("metadata_retried_total",
                               "Metadata entries in requests that "
                               "failed and are sent again.")),
      bytes(m.count("bytes_total", "Bytes of requests sent, compressed.")),
      metadata_bytes(m.count("metadata_bytes_total",
                             "Bytes of requests with metadata sent, "
                             "compressed.")),
      damaged(
          m.count("log_damaged_samples_total", "Samples that damage of the log has taken.", false)),
      request_seconds(m.durations()),
      pending(m.level("samples_pending",
                      "Samples read from the log that wait to be sent or "
                      "for their answer.")),
      shards(m.level("shards", "Requests under way at a time.")),
      shards_max(m.level("shards_max", "Most requests at a time.")),
      shards_min(m.level("shards_min", "Least requests at a time.")),
      shards_desired(m.level("shards_desired", "Requests at a time that would be enough.")),
      capacity(m.level("shard_capacity", "Samples that may wait, per request at a time.")),
      most_per_send(m.level("max_samples_per_send", "Most samples of a request.")),
      highest_sent(m.level("queue_highest_sent_timestamp_seconds",
                           "Newest timestamp that was acknowledged.")),
      highest_read(
          m.level("queue_highest_timestamp_seconds", "Newest timestamp read from the log.")),
      lag_seconds(m.level("lag_seconds",
                          "Age of the oldest sample that is not acknowledged; "
                          "0: all is.",
                          false)),
      lag_bytes(m.level("lag_bytes",
                        "Bytes of the log from the oldest segment on with samples "
                        "that are not acknowledged.",
                        false)),
      backlogs(m.level("backlogs",
                       "Stretches of the log that were missed and follow beside "
                       "fresh samples.",
                       false)),
      log_limit(m.level("log_limit_bytes",
                        "Most bytes of the log that may wait; beyond it the "
                        "oldest samples are dropped.",
                        false)) {}

}  // namespace troupe::send
