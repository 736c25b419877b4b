// One topic that this node stores: reads its partitions, hands out what is to be stored, and moves
// its offsets when that is on stable storage. Whoever stores is the caller. One owner; times are
// passed in.
#pragma once

#include "config/kafka_config.h"
#include "pipeline/ingest/ingester.h"
#include "pipeline/topics/lane.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

struct consumption_parts {
  file_system* files = nullptr;
  registry* metrics = nullptr;
  kafka::connector* kafka = nullptr;  ///< null: there is none
  record_quarantine* quarantine = nullptr;
  std::shared_ptr<remote::series_cache> known;  ///< of other formats' series; may be null
  uint64_t* next_token = nullptr;               ///< of the node's consumptions
  std::string folder;                           ///< of offsets; made if it is missing
};

/// For people.
struct consumption_state {
  struct stretch_state {
    uint32_t partition = 0;
    int64_t next = 0;  ///< of the first record that is not stored
    int64_t end = 0;   ///< where it, or the topic as it is now, ends
    bool backlog = false;
  };
  std::string name, kafka, topic;
  bool up = false;
  bool paused = false;
  std::string last_error;
  std::vector<stretch_state> stretches;
  consume_lag lag;
  std::optional<timestamp_ms> watermark;
  consume_totals totals;
  std::optional<timestamp_ms> down_since;  ///< the cluster does not answer
  std::vector<writer_mark> writers;        ///< see nodes_of()
};

class consumption {
 public:
  /// Fetched and not stored, in all.
  static constexpr uint64_t most_bytes = 4 << 20;

  consumption(config::consume_config config, config::kafka_config cluster, consumption_parts parts);

  /// What is to be stored. Call ten times a second and after on_stored().
  std::vector<delivery> step(int64_t now_ms, int64_t now_ns);
  /// False if the token is none of its own.
  bool on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes, int64_t now_ms,
                 int64_t now_ns);

  /// Takes no record; what was taken is stored.
  void set_paused(bool paused) { paused_ = paused; }
  /// Reads no more.
  void stop() { stopping_ = true; }
  /// It is given up: writes down the place that was reached.
  void close();
  /// What it handed out has not come back.
  bool is_storing() const;
  /// There is more to do at once.
  bool is_hungry() const;
  /// Since the last call more was stored: all that was written up to then is.
  std::optional<timestamp_ms> take_progress() { return std::exchange(progress_, std::nullopt); }
  consumption_state state() const;

  const config::consume_config& config() const { return config_; }
  const config::kafka_config& cluster() const { return cluster_; }
  static std::string offsets_file(const std::string& name) { return name + ".offsets"; }

 private:
  bool is_open(int64_t now_ns);
  status open();
  status load();
  result<std::unique_ptr<lane>> make_lane(bool keeps_up);
  void add_places(const std::map<uint32_t, partition_place>& all);
  void rearrange(int64_t now_ns);
  bool wants_change() const;
  void begin_new();
  void begin_anew(uint32_t partition, const lane::change& change);
  void forget_vanished();
  void end_backlogs();
  void go_to_newest(uint32_t partition);
  void save(int64_t now_ns);
  consume_offsets offsets() const;
  void observe(int64_t now_ns);
  consume_lag lag() const;
  std::optional<timestamp_ms> watermark() const;
  std::vector<writer_mark> writers() const;
  void tell_writers();
  kafka::connection_state connection() const;
  std::unique_ptr<stretch> make_stretch(uint32_t partition, stretch_place at) const;

  const config::consume_config config_;
  const config::kafka_config cluster_;
  const consumption_parts parts_;
  const std::string path_;
  tally told_;
  reader_rules rules_;
  bool from_beginning_;
  uint32_t began_with_ = 0;
  std::unique_ptr<lane> live_;     ///< null: not open yet
  std::unique_ptr<lane> backlog_;  ///< null: there is none
  bool stopping_ = false, paused_ = false;
  bool dirty_ = false;    ///< the file is behind
  bool changed_ = false;  ///< not only by how far it is
  int64_t now_ms_ = 0;
  int64_t next_try_ns_ = 0, next_split_ns_ = 0, next_save_ns_ = 0, next_look_ns_ = 0;
  std::optional<int64_t> down_since_ms_;  ///< or paused
  std::set<uint64_t> told_writers_;
  int64_t next_writers_line_ms_ = 0;
  std::string connection_error_;
  std::optional<timestamp_ms> progress_;
};

}  // namespace troupe::topics
