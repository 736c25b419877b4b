// The clients against brokers of Apache Kafka that are killed meanwhile. Exit 77: there is no Kafka
// here.
#include "pipeline/kafka/rd_cluster.h"
#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "tests/pipeline/kafka/eventually.h"
#include "tests/pipeline/kafka/real_cluster.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <vector>

namespace troupe::kafka {
namespace {

std::unique_ptr<real_cluster> cluster;

class KafkaReal : public testing::Test {
 protected:
  std::unique_ptr<producer> make_producer(const topic_options& topic) {
    auto made = connections_->make_producer(settings_, topic);
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return std::move(*made);
  }
  std::unique_ptr<consumer> make_consumer(const std::string& topic) {
    auto made = connections_->make_consumer(settings_, topic);
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return std::move(*made);
  }
  static void take(producer& p, std::vector<delivery>& into) {
    for (auto& d : p.poll())
      into.push_back(std::move(d));
  }
  /// Writes numbers from `from` until `to`, the payload being the number.
  static void write(producer& p, uint32_t partition, uint64_t from, uint64_t to) {
    std::vector<delivery> done;
    for (uint64_t i = from; i < to; ++i)
      ASSERT_TRUE(p.produce({partition, std::to_string(i), 0, i}).ok());
    ASSERT_TRUE(eventually([&] {
      take(p, done);
      return done.size() == to - from;
    })) << p.state().last_error;
    for (const auto& d : done)
      ASSERT_TRUE(d.error.ok()) << d.error.to_string();
  }
  static std::vector<stopped_partition> until_stopped(consumer& c) {
    std::vector<stopped_partition> out;
    EXPECT_TRUE(eventually([&] {
      out = c.poll(1 << 20).stopped;
      return !out.empty();
    })) << c.state().last_error;
    return out;
  }

  system_clock time_;
  std::unique_ptr<file_system> files_ = make_posix_file_system();
  std::unique_ptr<connector> connections_ = make_rd_connector(time_, *files_);
  config::kafka_config settings_ = cluster->settings();
};

TEST_F(KafkaReal, AMissingTopicIsMade) {
  const auto c = make_consumer("made");
  ASSERT_TRUE(eventually([&] {
    return c->partitions() == 0 && c->state().last_error == "topic \"made\" does not exist";
  }));
  const auto p = make_producer({.name = "made", .partitions = 5});
  ASSERT_TRUE(eventually([&] { return p->partitions() != 0; })) << p->state().last_error;
  EXPECT_EQ(p->partitions(), 5U);
  EXPECT_TRUE(eventually([&] { return c->partitions() == 5; })) << c->state().last_error;
}

TEST_F(KafkaReal, ATopicThatMayNotBeMadeIsMissing) {
  const auto p = make_producer({.name = "other", .create = false});
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(p->partitions(), 0U);
    return p->state().last_error == "topic \"other\" does not exist";
  }));
  const auto q = make_producer({.name = "too/bad", .partitions = 1});
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(q->partitions(), 0U);
    return q->state().last_error != "";
  }));
  const auto wide = make_producer({.name = "wide", .partitions = 1, .replication_factor = 9});
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(wide->partitions(), 0U);
    return wide->state().last_error.find("cannot be created: ") != std::string::npos;
  }));
}

TEST_F(KafkaReal, KilledBrokersLoseAndDoubleNothing) {
  constexpr uint32_t partitions = 4;
  constexpr uint64_t rounds = 3;
  constexpr uint64_t records = 5'000;  // a round
  auto p = make_producer({.name = "killed", .partitions = partitions});
  ASSERT_TRUE(eventually([&] { return p->partitions() == partitions; })) << p->state().last_error;
  const auto c = make_consumer("killed");
  for (uint32_t i = 0; i < partitions; ++i)
    ASSERT_TRUE(c->start(i, 0).ok());
  std::vector<uint64_t> next(partitions);
  uint64_t read = 0;
  std::vector<delivery> done;
  const auto poll = [&] {
    take(*p, done);
    const auto got = c->poll(1 << 20);
    EXPECT_TRUE(got.stopped.empty());
    for (const auto& r : got.records) {
      EXPECT_EQ(r.payload, std::to_string(next[r.partition]) + std::string(500, '.'));
      EXPECT_EQ(r.offset, static_cast<int64_t>(next[r.partition]));
      ++next[r.partition];
      ++read;
    }
  };
  uint64_t written = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    const int victim = 1 + static_cast<int>(round) % cluster->brokers();
    for (uint64_t i = 0; i < records; ++i, ++written) {
      record r{static_cast<uint32_t>(written % partitions),
               std::to_string(written / partitions) + std::string(500, '.'), 0, written};
      ASSERT_TRUE(p->produce(std::move(r)).ok());
      // In the last round all of them.
      if (i == records / 3)
        for (int b = 1; b <= cluster->brokers(); ++b)
          if (b == victim || round + 1 == rounds)
            cluster->kill(b);
      if (i % 10 == 0)
        poll();
    }
    cluster->start_all();
    ASSERT_TRUE(eventually([&] {
      poll();
      return done.size() == written && read == written;
    })) << done.size()
        << " delivered and " << read << " read of " << written << ": " << p->state().last_error
        << ", " << c->state().last_error;
  }
  EXPECT_TRUE(p->broken().ok());
  std::vector<uint64_t> last(partitions);
  for (const auto& d : done) {
    EXPECT_TRUE(d.error.ok()) << d.error.to_string();
    EXPECT_EQ(d.token, last[d.partition] * partitions + d.partition);
    ++last[d.partition];
  }
  fmt::print("  {} records through {} kills of {} brokers\n", written, rounds, cluster->brokers());
}

TEST_F(KafkaReal, RecordsThatWereRemovedAreTold) {
  cluster->create("removed", 2);
  const auto p = make_producer({.name = "removed", .create = false});
  write(*p, 1, 0, 100);
  cluster->remove_records("removed", 1, 60);
  const auto c = make_consumer("removed");
  ASSERT_TRUE(c->start(1, 7).ok());
  const auto s = until_stopped(*c);
  EXPECT_EQ(s[0].asked, 7);
  EXPECT_EQ(s[0].why, offset_trouble::below_start);
  EXPECT_EQ(s[0].first, 60);
  EXPECT_EQ(s[0].end, 100);
  ASSERT_TRUE(c->start(1, 101).ok());
  EXPECT_EQ(until_stopped(*c)[0].why, offset_trouble::beyond_end);
  std::optional<offset_range> r;
  ASSERT_TRUE(eventually([&] { return (r = c->range(1)).has_value(); }));
  EXPECT_EQ(r->first, 60);
  EXPECT_EQ(r->end, 100);
  ASSERT_TRUE(c->start(1, 60).ok());
  size_t read = 0;
  ASSERT_TRUE(eventually([&] { return (read += c->poll(1 << 20).records.size()) == 40; }));
}

TEST_F(KafkaReal, ATopicThatIsMadeAnewIsTold) {
  cluster->create("anew", 1);
  const auto p = make_producer({.name = "anew", .partitions = 1});
  write(*p, 0, 0, 50);
  const auto c = make_consumer("anew");
  ASSERT_TRUE(c->start(0, 0).ok());
  size_t read = 0;
  ASSERT_TRUE(eventually([&] { return (read += c->poll(1 << 20).records.size()) == 50; }));
  cluster->remove("anew");
  cluster->create("anew", 1);
  const auto s = until_stopped(*c);
  EXPECT_EQ(s[0].asked, 50);
  EXPECT_EQ(s[0].why, offset_trouble::beyond_end);
  EXPECT_EQ(s[0].first, 0);
  EXPECT_EQ(s[0].end, 0);
  ASSERT_TRUE(c->start(0, 0).ok());
  write(*make_producer({.name = "anew", .create = false}), 0, 0, 10);
  read = 0;
  ASSERT_TRUE(eventually([&] { return (read += c->poll(1 << 20).records.size()) == 10; }));
}

TEST_F(KafkaReal, RecordsOfARefusedBatchAreSentOneByOne) {
  cluster->create("narrow", 1, {{"max.message.bytes", "20000"}});
  settings_.settings["message.max.bytes"] = "4000000";
  auto p = make_producer({.name = "narrow", .create = false});
  std::set<uint64_t> missing;
  for (uint64_t i = 0; i < 100; ++i)
    missing.insert(i);
  const auto send = [&] {
    for (const uint64_t i : missing)
      ASSERT_TRUE(p->produce({0, std::string(i == 50 ? 30'000 : 1'000, 'x'), 0, i}).ok());
  };
  size_t refused = 0;
  send();
  ASSERT_TRUE(eventually([&] {
    for (const auto& d : p->poll()) {
      refused += d.error.code() == errc::invalid_argument ? 1 : 0;
      if (d.error.ok() || d.error.code() == errc::invalid_argument)
        missing.erase(d.token);
    }
    if (!p->broken().ok()) {
      EXPECT_EQ(refused, 0U);
      p = make_producer({.name = "narrow", .create = false});
      send();
    }
    return missing.empty();
  }));
  EXPECT_EQ(refused, 1U);
}

}  // namespace
}  // namespace troupe::kafka

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  troupe::kafka::cluster = std::make_unique<troupe::kafka::real_cluster>();
  if (!troupe::kafka::cluster->runs())
    return 77;
  const int code = RUN_ALL_TESTS();
  troupe::kafka::cluster.reset();
  return code;
}
