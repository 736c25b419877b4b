#include "pipeline/kafka/rd_cluster.h"

#include "pipeline/kafka/rd_consumer.h"
#include "pipeline/kafka/rd_producer.h"
#include "pipeline/kafka/rd_settings.h"

#include <mutex>
#include <set>
#include <utility>

namespace troupe::kafka {
namespace {

/// Topics of clusters whose brokers refused a batch. Thread-safe.
class alone_topics {
 public:
  using name = std::pair<std::string, std::string>;
  bool has(const name& n) const {
    std::lock_guard guard(lock_);
    return all_.contains(n);
  }
  void add(const name& n) {
    std::lock_guard guard(lock_);
    all_.insert(n);
  }

 private:
  mutable std::mutex lock_;
  std::set<name> all_;
};

class rd_connector final : public connector {
 public:
  rd_connector(const clock& time, file_system& files) : time_(time), files_(files) {}

  result<std::unique_ptr<producer>> make_producer(const config::kafka_config& cluster,
                                                  const topic_options& topic) override {
    const alone_topics::name name{cluster.name, topic.name};
    const bool alone = alone_->has(name);
    TROUPE_ASSIGN(auto conf, make_rd_conf(rd_kind::producer, cluster, files_, alone));
    return make_rd_producer(std::move(conf), time_,
                            {topic, alone, [all = alone_, name] { all->add(name); }});
  }

  result<std::unique_ptr<consumer>> make_consumer(const config::kafka_config& cluster,
                                                  const std::string& topic) override {
    TROUPE_ASSIGN(auto conf, make_rd_conf(rd_kind::consumer, cluster, files_));
    return make_rd_consumer(std::move(conf), time_, topic);
  }

 private:
  const clock& time_;
  file_system& files_;
  std::shared_ptr<alone_topics> alone_ = std::make_shared<alone_topics>();
};

}  // namespace

std::unique_ptr<connector> make_rd_connector(const clock& time, file_system& files) {
  return std::make_unique<rd_connector>(time, files);
}

}  // namespace troupe::kafka
