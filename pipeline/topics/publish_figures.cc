#include "pipeline/topics/publish_figures.h"

namespace troupe::topics {
namespace {

const std::string prefix = "troupe_kafka_publish_";

}  // namespace

class publish_figures::maker {
 public:
  maker(registry& r, const std::string& publication)
      : registry_(r), labels_{{"publication", publication}} {}

  counter& count(const std::string& name, const std::string& help) {
    return registry_.get_counter(prefix + name, help, labels_);
  }
  counter& dropped(const std::string& reason) {
    auto with = labels_;
    with.emplace_back("reason", reason);
    return registry_.get_counter(prefix + "dropped_samples_total",
                                 "Samples that will not be in the topic, by reason.", with);
  }
  gauge& level(const std::string& name, const std::string& help) {
    return registry_.get_gauge(prefix + name, help, labels_);
  }

 private:
  registry& registry_;
  const label_pairs labels_;
};

publish_figures::publish_figures(registry& metrics, const std::string& publication)
    : publish_figures(maker(metrics, publication)) {}

publish_figures::publish_figures(maker m)
    : samples(m.count("samples_total", "Samples that are in the topic, by what Kafka confirmed.")),
      records(m.count("records_total", "Records that Kafka confirmed.")),
      bytes(m.count("bytes_total", "Bytes of these records.")),
      sessions(m.count("sessions_total",
                       "Sessions begun: after a start, an error of the producer, or a change of "
                       "the topic's partitions all series are described anew.")),
      errors(m.count("errors_total",
                     "Errors after which what was not confirmed is read again from the log.")),
      for_room(m.dropped("disk_bound")),
      too_large(m.dropped("too_large")),
      too_old(m.dropped("too_old")),
      damaged(m.dropped("log_damage")),
      lag_seconds(m.level("lag_seconds",
                          "Age of the oldest sample that Kafka has not confirmed; 0: it has all.")),
      lag_bytes(m.level("lag_bytes",
                        "Bytes of the log from the oldest segment on with samples that Kafka has "
                        "not confirmed.")),
      queued_bytes(m.level("queued_bytes", "Bytes of records that were handed to the producer.")),
      up(m.level("up", "1 if a broker of the cluster answers.")) {}

}  // namespace troupe::topics
