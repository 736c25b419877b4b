#include "actors/rt/open_requests.h"

#include "tests/support/actor_fixture.h"

#include <string>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

struct asking_state {
  open_requests asked;
};

class OpenRequests : public actor_test {
 protected:
  void SetUp() override {
    // Answers when told to.
    stage = sys.spawn([this](caf::event_based_actor* me) -> caf::behavior {
      return {[this, me](free_atom, size_t n) -> caf::result<size_t> {
                auto promise = me->make_response_promise<size_t>();
                waiting.emplace_back(n, promise);
                return promise;
              },
              [me](stop_atom) { me->quit(caf::sec::runtime_error); },
              [this](tick_atom) {
                for (auto& [n, promise] : waiting)
                  promise.deliver(n);
                waiting.clear();
              }};
    });
    asking = sys.spawn([this](caf::stateful_actor<asking_state>* me) -> caf::behavior {
      return {[this, me](size_t n) {
                ask<size_t>(
                    me, me->state.asked, stage,
                    [this](size_t got) { heard.push_back("answer " + std::to_string(got)); },
                    [this, n](caf::error& e) {
                      heard.push_back((e == caf::sec::request_timeout ? "timeout " : "error ") +
                                      std::to_string(n));
                    },
                    free_atom_v, n);
              },
              [me](sweep_atom) { sweep(me, me->state.asked); },
              [this, me](ping_atom) { open = me->state.asked.size(); }};
    });
    run();
  }
  void TearDown() override {
    waiting.clear();
    kill(asking);
    kill(stage);
  }
  void send(size_t n) {
    caf::anon_send(asking, n);
    run();
  }
  void answer() {
    caf::anon_send(stage, tick_atom_v);
    run();
  }
  size_t still_open() {
    caf::anon_send(asking, ping_atom_v);
    run();
    return open;
  }

  caf::actor stage, asking;
  std::vector<std::pair<size_t, caf::typed_response_promise<size_t>>> waiting;
  std::vector<std::string> heard;
  size_t open = 0;
};

TEST_F(OpenRequests, AnAnswerComesOnce) {
  send(1);
  send(2);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(still_open(), 2u);
  answer();
  EXPECT_EQ(heard, (std::vector<std::string>{"answer 1", "answer 2"}));
  EXPECT_EQ(still_open(), 0u);
  for (int s = 0; s < 40; ++s)
    advance(1s);
  EXPECT_EQ(heard.size(), 2u);
}

TEST_F(OpenRequests, NoAnswerIsAnErrorAndALateOneIsIgnored) {
  send(1);
  for (int s = 0; s < 20; ++s)
    advance(1s);
  send(2);
  for (int s = 0; s < 9; ++s)
    advance(1s);
  EXPECT_TRUE(heard.empty());
  advance(1s);
  advance(1s);
  EXPECT_EQ(heard, std::vector<std::string>{"timeout 1"});
  answer();
  EXPECT_EQ(heard, (std::vector<std::string>{"timeout 1", "answer 2"}));
  EXPECT_EQ(still_open(), 0u);
}

TEST_F(OpenRequests, AStageThatEndedFailsThem) {
  send(1);
  waiting.clear();  // it took the first one with it: only time can tell
  caf::anon_send(stage, stop_atom_v);
  run();
  send(2);
  EXPECT_EQ(heard, std::vector<std::string>{"error 2"});
  for (int s = 0; s < 31; ++s)
    advance(1s);
  EXPECT_EQ(heard, (std::vector<std::string>{"error 2", "timeout 1"}));
  EXPECT_EQ(still_open(), 0u);
}

}  // namespace
}  // namespace troupe::actors
