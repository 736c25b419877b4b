// A drill from its checks to its tidying up. Whatever happens in between (a node dies, somebody
// interrupts it), what it paused is resumed; what cannot be ends by itself. One owner.
#pragma once

#include "pipeline/drill/arrivals.h"
#include "pipeline/drill/audit_writer.h"
#include "pipeline/drill/report.h"
#include "pipeline/drill/survey.h"
#include "pipeline/drill/traffic.h"

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::drill {

struct rehearsal_environment {
  const clock& clk;
  std::function<void(int64_t ms)> wait;
  std::function<bool()> stopped;                ///< somebody wants it to end
  std::function<void(const std::string&)> say;  ///< a step, as it happens
  std::ostream* terminal = nullptr;             ///< for the progress; null: none
};

class rehearsal {
 public:
  /// The first of `nodes` is the source; they must outlive it.
  rehearsal(drill_options options, std::vector<node_link*> nodes, rehearsal_environment env);

  drill_report run();

 private:
  struct question {
    size_t node = 0;
    std::string path;
    std::optional<http::params> form;  ///< none: GET
  };
  struct asked_cut {
    stage_cut cut;
    bool is_over = false;
  };
  using answers = std::vector<result<std::string>>;

  status rehearse();
  result<drill_plan> survey();
  result<std::vector<node_facts>> facts();
  status ask_clocks(std::vector<node_facts>& all);
  status begin();
  status cut();
  status resume();
  status catch_up();
  status audit();
  void tidy_up();
  void resume_rest();
  void remove_series();

  void turn();
  answers ask(const std::vector<question>& all);
  question question_of(const stage_cut& c, bool pauses) const;
  status wait_until(const std::function<bool()>& done, int64_t limit_ms, const std::string& what);
  status wait_for_present();
  status trouble() const;
  bool note_returns();
  size_t node_of(size_t destination) const { return destination + 1; }

  const drill_options options_;
  const rehearsal_environment env_;
  traffic over_;
  drill_plan plan_;
  std::vector<asked_cut> asked_;  ///< pauses that may be in force
  std::unique_ptr<audit_series> series_;
  std::unique_ptr<audit_writer> writer_;
  std::vector<std::unique_ptr<arrivals>> arrivals_;  ///< by destination
  int64_t resumed_ns_ = 0;
  uint64_t before_resume_ = 0;  ///< samples of each series that were under way then
  bool tidying_ = false;
  drill_report report_;
};

}  // namespace troupe::drill
