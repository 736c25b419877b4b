// When a rule group is evaluated: a pure function of its name, what it has evaluated so far and how
// complete the data are. Plain class, one owner, no timers.
#pragma once

#include "storage/model/sample.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace troupe::rules {

/// Where in its interval a group stands, in [0, interval_ms): Prometheus' hash of file and name, so
/// that both evaluate a group at the same instants.
int64_t group_offset(const std::string& file, const std::string& name, int64_t interval_ms);

struct group_clock_settings {
  int64_t interval_ms = 60'000;
  int64_t offset_ms = 0;  ///< group_offset()
  int64_t query_offset_ms = 0;
  /// How long after its time an instant waits at most for its inputs.
  int64_t live_wait_ms = 10'000;
  /// How long after the start missed instants wait at most for their inputs.
  int64_t catch_up_wait_ms = 300'000;
  /// Instants missed longer ago are given up.
  int64_t reach_ms = 6 * 3'600'000;
};

/// Instants are evaluated in order, missed ones first: then a group is as if it had never stopped.
/// When the newest instant would have to wait longer than live_wait_ms for the missed ones, it goes
/// ahead, and they follow in a lane of their own: the past does not hold up the alerts of the
/// present.
class group_clock {
 public:
  /// `evaluated`: the instants of the group known to be done, any order; those beyond the reach
  /// do no harm.
  group_clock(const group_clock_settings& settings, timestamp_ms now,
              std::vector<timestamp_ms> evaluated);

  struct step {
    timestamp_ms instant = 0;
    bool past = false;      ///< of the lane of missed instants
    bool catch_up = false;  ///< so late that its alerts are history
    /// With this step the newest instants part from the missed ones.
    bool forks = false;
  };
  /// What to evaluate now. `complete_until`: all data up to this time are stored, as far as known.
  std::optional<step> due(timestamp_ms now, timestamp_ms complete_until);
  /// That step was evaluated and stored.
  void done(const step& s);
  /// When due() may have something even if nothing more is known about the data.
  timestamp_ms wake_at() const;

  /// The instant before the first missed one was evaluated: where the state goes on from. None if
  /// the group is new.
  std::optional<timestamp_ms> resume_at() const { return resume_at_; }
  /// The last one evaluated before the start.
  std::optional<timestamp_ms> last_evaluated() const { return last_; }
  /// Missed instants that are still to be evaluated.
  size_t backlog() const { return past_.size(); }
  bool forked() const { return forked_; }
  timestamp_ms next_live() const { return live_; }
  /// Instants given up since the start.
  uint64_t given_up() const { return given_up_; }

 private:
  timestamp_ms at_or_before(timestamp_ms t) const;
  bool is_late(timestamp_ms instant, timestamp_ms now) const;
  /// Moves instants that the live lane is behind with to the missed ones.
  void fall_behind(timestamp_ms now);
  void forget_old(timestamp_ms now);

  const group_clock_settings s_;
  timestamp_ms started_ = 0;
  std::deque<timestamp_ms> past_;  ///< ascending
  timestamp_ms live_ = 0;          ///< the next of the live lane
  bool forked_ = false;
  timestamp_ms held_since_ = 0;  ///< when the missed instants came up
  std::optional<timestamp_ms> resume_at_, last_;
  uint64_t given_up_ = 0;
};

}  // namespace troupe::rules
