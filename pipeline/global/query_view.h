// What one query sees of this node and its regions: a read door, and who evaluates parts of it
// where the series are. Owned by one query, used by its thread, which waits for answers.
#pragma once

#include "pipeline/global/fan_out.h"
#include "pipeline/global/local_share.h"
#include "query/engine/parts.h"
#include "storage/querier.h"

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace troupe::ingest {
class watermarks;
}
namespace troupe::query {
class engine;
}

namespace troupe::global {

/// All must outlive the view.
struct view_environment {
  const clock* clk = nullptr;
  const query::engine* engine = nullptr;           ///< for this node's share of pushed parts
  const ingest::watermarks* watermarks = nullptr;  ///< of replicas that lie here; may be null
  std::function<std::string(std::string_view)> compress;  ///< bodies, by snappy
  counter* parts_pushed = nullptr;
};

/// Who is asked, and how.
struct view_options {
  std::vector<region_ptr> regions;
  std::string own;       ///< this node's region; "": it has none
  bool local = true;     ///< this node is one of those asked
  bool partial = false;  ///< regions that do not answer are left out, with a warning
  int64_t timeout_ms = 0;
  const std::atomic<bool>* cancel = nullptr;  ///< outlives the view; may be null
};

class query_view final : public storage::queryable, public query::part_evaluator {
 public:
  query_view(const view_environment& env, view_options options,
             std::unique_ptr<storage::queryable> local);

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override;
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override {
    return local_->exemplars(tenant, mint, maxt, selectors);
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override {
    return local_->metadata_of(tenant, family, limit);
  }

  std::string_view parting_label() const override;
  result<std::optional<std::vector<query::matrix_value>>> evaluate(
      const query::query_part& part) override;

  /// Names of the regions asked, whose replicas here are not read while they answer.
  std::vector<std::string> asked() const;
  /// What regions and this node's shares of parts had to say.
  const std::vector<std::string>& warnings() const { return warnings_; }
  const std::vector<std::string>& infos() const { return infos_; }

 private:
  friend class global_querier;
  using make_question = std::function<question(const matchers& own)>;
  using take_answer = std::function<status(const region_ptr& from, http::fetch_result&& answer)>;

  /// Asks the regions that `ms` means, does `meanwhile`, and takes their answers. A region that
  /// does not answer is an error, or is lost.
  status ask(std::span<const matcher> ms, const make_question& make,
             const std::function<status()>& meanwhile, const take_answer& take);
  /// For the rest of the query, if the query may do without; else its error.
  status lose(const region_ptr& r, const status& why);
  std::string replicas_of(const std::string& region);
  /// Labels that the region's servers added to this answer of a remote read.
  std::set<std::string> added_labels(const region_ptr& to, const http::fetch_result& answer);
  void warn(std::string text);
  void warn_of(const region& r, const std::vector<std::string>& warnings);
  void inform(const std::vector<std::string>& infos);
  int64_t left_ms() const;
  result<std::optional<query::matrix_value>> evaluate_here(storage::queryable& data,
                                                           const std::string& text,
                                                           const query::query_part& part);
  result<std::optional<query::matrix_value>> read_value(const region& from, region_answer&& answer);
  share own_share() const { return {options_.own, asked(), ""}; }

  const view_environment& env_;
  const view_options options_;
  const std::unique_ptr<storage::queryable> local_;
  patience patience_;
  std::vector<region_ptr> reachable_;
  std::vector<region_ptr> lost_;
  std::vector<std::string> warnings_, infos_;
};

}  // namespace troupe::global
