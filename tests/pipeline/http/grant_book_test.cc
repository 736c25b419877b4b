#include "pipeline/http/grant_book.h"

#include <gtest/gtest.h>

#include <vector>

namespace troupe::http {
namespace {

constexpr int64_t second_ns = 1'000'000'000;

/// Asks `questions` in turn, then gives a token that lasts a minute; the answer 500 ends it.
class scripted_source final : public grant_source {
 public:
  explicit scripted_source(std::vector<std::string> questions) : questions_(std::move(questions)) {}
  std::string_view name() const override { return "scripted"; }
  result<grant_step> begin(int64_t) const override {
    ++begun;
    return step(0);
  }
  mutable int begun = 0;
  bool works = true;

 private:
  result<grant_step> step(size_t i) const {
    if (!works)
      return {errc::unavailable, "nobody at home"};
    if (i == questions_.size())
      return grant_step(bearer_grant(secret("token " + std::to_string(begun)), 60'000));
    question q;
    q.ask.url = questions_[i];
    q.then = [this, i](const fetch_result& answer, int64_t) -> result<grant_step> {
      if (answer.code != 200)
        return {errc::unavailable, "refused"};
      return step(i + 1);
    };
    return grant_step(std::move(q));
  }
  std::vector<std::string> questions_;
};

class GrantBook : public testing::Test {
 protected:
  std::string token(int64_t now_ns) {
    const auto* g = book.in_force(*source, now_ns);
    return g == nullptr ? "" : g->authorize({}, 0).at(0).value;
  }
  std::optional<transfer_spec> begin(int64_t now_ns) { return book.begin(source, now_ns, 0); }
  std::optional<transfer_spec> answer(int code, int64_t now_ns) {
    fetch_result r;
    r.code = code;
    return book.take(*source, r, now_ns, 0);
  }
  void make(std::vector<std::string> questions) {
    source = std::make_shared<scripted_source>(std::move(questions));
  }

  std::shared_ptr<scripted_source> source;
  grant_book book;
};

TEST_F(GrantBook, ATalkGoesOnUntilThereIsAGrant) {
  make({"a", "b"});
  EXPECT_TRUE(book.is_due(*source, 0));
  EXPECT_EQ(begin(0)->url, "a");
  EXPECT_TRUE(book.is_asking(*source));
  EXPECT_FALSE(book.is_due(*source, 0));
  EXPECT_EQ(answer(200, 0)->url, "b");
  EXPECT_EQ(token(0), "");
  EXPECT_FALSE(answer(200, 0));
  EXPECT_FALSE(book.is_asking(*source));
  EXPECT_EQ(token(0), "Bearer token 1");
}

TEST_F(GrantBook, IsRenewedBeforeItEnds) {
  make({"a"});
  begin(0);
  answer(200, 0);
  EXPECT_FALSE(book.is_due(*source, 39 * second_ns));
  EXPECT_TRUE(book.is_due(*source, 40 * second_ns));
  begin(40 * second_ns);
  EXPECT_EQ(token(41 * second_ns), "Bearer token 1");
  answer(200, 42 * second_ns);
  EXPECT_EQ(token(43 * second_ns), "Bearer token 2");
  EXPECT_EQ(token(91 * second_ns), "Bearer token 2");
  EXPECT_EQ(token(92 * second_ns), "");
}

TEST_F(GrantBook, TheOneBeforeIsUsedWhileThereIsNoOther) {
  make({"a"});
  begin(0);
  answer(200, 0);
  begin(41 * second_ns);
  answer(500, 41 * second_ns);
  EXPECT_EQ(token(42 * second_ns), "Bearer token 1");
  EXPECT_FALSE(book.is_due(*source, 50 * second_ns));
  EXPECT_TRUE(book.is_due(*source, 51 * second_ns));
  begin(51 * second_ns);
  answer(500, 51 * second_ns);
  EXPECT_EQ(token(51 * second_ns), "");
  EXPECT_TRUE(book.is_due(*source, 51 * second_ns));
  EXPECT_EQ(book.why_none(*source).message(), "scripted: cannot fetch token: refused");
  EXPECT_EQ(book.why_none(*source).code(), errc::unavailable);
}

TEST_F(GrantBook, SaysWhyThereIsNone) {
  make({});
  source->works = false;
  EXPECT_FALSE(begin(0));
  EXPECT_EQ(book.why_none(*source).message(), "scripted: cannot fetch token: nobody at home");
  EXPECT_TRUE(book.is_due(*source, 0));
  source->works = true;
  EXPECT_FALSE(begin(0));
  EXPECT_EQ(token(0), "Bearer token 2");
}

TEST_F(GrantBook, ARefusedGrantIsUsedNoMore) {
  make({});
  begin(0);
  book.refuse(*source);
  EXPECT_EQ(token(0), "");
  EXPECT_TRUE(book.is_due(*source, 0));
  const scripted_source unknown({});
  book.refuse(unknown);
  EXPECT_TRUE(book.is_due(unknown, 0));
}

TEST_F(GrantBook, ForgetsSourcesThatNobodyHolds) {
  make({});
  begin(0);
  const std::weak_ptr<scripted_source> before = source;
  make({});
  EXPECT_FALSE(before.expired());
  begin(0);
  EXPECT_TRUE(before.expired());
}

}  // namespace
}  // namespace troupe::http
