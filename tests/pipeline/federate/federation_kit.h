// What the tests of federation share: a source over a node's log on a simulated disk, and a
// subscriber that keeps its cursor. One owner.
#pragma once

#include "pipeline/federate/source.h"
#include "tests/pipeline/send/send_kit.h"

#include <memory>
#include <optional>
#include <string>

namespace troupe::federate {

class FederationTest : public send::SendTest {
 protected:
  FederationTest();

  /// A start of the source's process.
  void start();
  /// kill -9 of it.
  void kill();

  /// Asks as `request` says; the answer comes into `answered`.
  void ask();
  void pass(int64_t ms);
  /// Takes an answer that has come, and goes on behind it.
  void take();
  /// Time passes with a subscriber that takes everything.
  void receive(int64_t ms);
  double metric(const std::string& name);
  /// Of `written`, what belongs to this target.
  std::map<send::sample_key, double> written_of(const std::string& target) const;

  feed_options limits;
  uint64_t source_id = 7;
  bool readable = true;
  std::map<std::string, std::string> external_labels;
  std::unique_ptr<source> from;
  stream_request request;
  std::optional<stream_answer> answered;
  std::vector<stream_answer> told;  ///< all that were taken, without their bodies
};

}  // namespace troupe::federate
