// A Kafka cluster that connects a simulated node with another region: it outlives the node, which
// publishes all its series into one topic and stores what the other region writes into another one.
// With faults of the cluster, all from one seed.
#pragma once

#include "config/config.h"
#include "pipeline/topics/record_writer.h"
#include "tests/actors/simulation/oracle.h"
#include "tests/actors/simulation/sim_world.h"
#include "tests/support/sim_kafka.h"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::simulation {

class sim_region {
 public:
  /// `restart` ends the node, with a power cut or not, and starts it again a little later.
  sim_region(sim_world& w, oracle& node, const scenario& s, std::function<void(bool)> restart);

  void configure(config::config& c) const;
  /// The other region writes until the scenario ends; faults strike.
  void schedule();
  /// What the node took, and what it said of it.
  void offered(const write_batch& b) { log_.offered(b); }
  void acknowledged(const write_batch& b);
  /// The node's log was damaged.
  void tolerate_loss();

  /// No faults from here.
  void heal();
  /// What the node acknowledges from now on need not be in the topic when check() looks.
  void close() { closed_ = true; }
  /// The node has no lag in both directions, as far as its metrics tell.
  bool is_through();
  /// For people.
  std::string progress();
  /// "" or what is wrong with what is in the published topic, and with what the node counted. From
  /// now on the oracle wants all that the other region wrote.
  std::string check();
  uint64_t published() const { return published_; }
  uint64_t consumed() const { return consumed_; }

 private:
  /// What the other region has in a partition.
  struct far_partition {
    uint32_t number = 0;
    uint64_t session = 0;
    std::unique_ptr<topics::record_writer> writer;
    series_table_ptr table;
    int64_t key_offset = -1;
    size_t records = 0;          ///< of the segment
    std::deque<batch_ptr> last;  ///< come again when the writer is made anew
  };

  void add_far_partition();
  void write_once();
  void write(far_partition& to, const batch_ptr& b);
  void take(far_partition& to);
  void write_foreign(uint32_t partition);
  void make_anew(far_partition& of);
  batch_ptr make_batch(far_partition& of);
  int64_t far_end(uint32_t partition);

  void strike();
  void be_unreachable();
  void be_paused();
  void ask_stage(const char* what, const char* stage, const std::string& time);
  void lose_deliveries();
  void find_loss();
  /// By partition: what is stored, and nothing that is not refers to.
  std::map<uint32_t, int64_t> done_with();
  void trim();
  /// For a while: `ms` later `end` is called, unless all is healed by then.
  void later(int64_t ms, std::function<void()> end);
  int64_t between(int64_t least, int64_t most);

  std::string check_topic();
  std::string check_counts();
  void count(registry& m);

  sim_world& world_;
  oracle& oracle_;
  const scenario scenario_;
  const std::function<void(bool)> restart_;
  seeded_random rng_;
  support::sim_kafka cluster_;
  const uint32_t partitions_;
  oracle log_;  ///< of the published topic
  std::vector<far_partition> far_;
  std::vector<batch_ptr> written_;  ///< by the other region
  bool closed_ = false, healed_ = false, tolerant_ = false;
  bool deliveries_lost_ = false;  ///< of a producer that will break for it
  std::string refused_;           ///< an answer to a pause
  double dropped_ = 0;            ///< by the publisher, in earlier lives
  uint64_t published_ = 0, consumed_ = 0;
};

}  // namespace troupe::simulation
