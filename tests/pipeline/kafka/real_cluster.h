// Brokers of Apache Kafka as processes of their own (scripts/kafka.sh), and what an administrator
// does with them.
#pragma once

#include "config/kafka_config.h"

#include <map>
#include <string>

struct rd_kafka_s;

namespace troupe::kafka {

class real_cluster {
 public:
  /// Three brokers if there is memory for them, else one. Prints why when there are none.
  real_cluster();
  ~real_cluster();
  real_cluster(const real_cluster&) = delete;
  real_cluster& operator=(const real_cluster&) = delete;

  bool runs() const { return !bootstrap_.empty(); }
  int brokers() const { return brokers_; }
  config::kafka_config settings() const;

  void kill(int broker) const;
  /// Starts those that do not run, and waits until they listen.
  void start_all() const;

  void create(const std::string& topic, int partitions,
              const std::map<std::string, std::string>& with = {});
  void remove(const std::string& topic);
  void remove_records(const std::string& topic, int partition, int64_t before);

 private:
  std::string run(const std::string& arguments) const;

  std::string folder_;
  int brokers_ = 1;
  std::string bootstrap_;
  rd_kafka_s* admin_ = nullptr;
};

}  // namespace troupe::kafka
