// Brokers of librdkafka's mock in this process, and clients of ours that reach them.
#pragma once

#include "pipeline/kafka/rd_cluster.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "tests/pipeline/kafka/eventually.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

struct rd_kafka_s;
struct rd_kafka_mock_cluster_s;

namespace troupe::kafka {

inline constexpr int produce_request = 0;
inline constexpr int fetch_request = 1;

class mock_cluster {
 public:
  explicit mock_cluster(int brokers = 1);
  ~mock_cluster();
  mock_cluster(const mock_cluster&) = delete;
  mock_cluster& operator=(const mock_cluster&) = delete;

  void create(const std::string& topic, int partitions);
  /// It is as if it were missing, until it is shown. (Asked for a missing one the mock makes it.)
  void hide(const std::string& topic);
  void show(const std::string& topic);
  void all_down();
  void all_up();
  /// The first broker answers so much later.
  void delay(int ms);
  void lead(const std::string& topic, int partition, int broker);
  /// The next requests of that kind fail with these, one after the other.
  void fail(int request, std::initializer_list<int> errors);
  /// Its settings make clients quick.
  config::kafka_config settings() const;

 private:
  rd_kafka_s* client_;
  rd_kafka_mock_cluster_s* cluster_;
};

/// One topic "t" with clients.
class kit {
 public:
  explicit kit(int partitions = 1, int brokers = 1);
  std::unique_ptr<producer> make_producer();
  std::unique_ptr<consumer> make_consumer();
  /// Writes payloads and waits until they are in the topic.
  void fill(uint32_t partition, const std::vector<std::string>& payloads);

  mock_cluster brokers;
  system_clock time;
  std::unique_ptr<file_system> files = make_posix_file_system();
  std::unique_ptr<connector> connections = make_rd_connector(time, *files);
  config::kafka_config settings = brokers.settings();
};

/// Polls until so many deliveries came.
std::vector<delivery> deliveries_of(producer& p, size_t count);
/// Polls until so many records came.
std::vector<fetched_record> records_of(consumer& c, size_t count, size_t most_bytes = 1 << 20);
/// Polls until a partition has stopped.
stopped_partition stop_of(consumer& c);

}  // namespace troupe::kafka
