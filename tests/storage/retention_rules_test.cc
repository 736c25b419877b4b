// Retention of single series as a node's storage applies it, from memory on.
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

const labels dropped = labels::from({{"__name__", "in"}, {"job", "j"}});
const labels kept = labels::from({{"__name__", "out"}, {"job", "j"}});

TEST(retention_rules, the_shortest_leaves_nothing_in_blocks) {
  test_node node;
  node.start();
  node.store->set_retention_rules({{{matcher::equal("__name__", "in")}, 1}});
  const auto write = [&](int count) {
    for (int i = 0; i < count; ++i) {
      node.write(
          {make_sample(dropped, node.clk.now_ms(), i), make_sample(kept, node.clk.now_ms(), i)});
      node.clk.advance_ms(10'000);
    }
  };
  write(10);
  EXPECT_EQ(node.read().size(), 2u) << "memory has both";
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.read().size(), 1u);
  EXPECT_EQ(node.read().begin()->second.size(), 10u);
  node.kill();
  node.start();
  node.store->set_retention_rules({{{matcher::equal("__name__", "in")}, 1}});
  EXPECT_EQ(node.read().size(), 1u);
  // Without the rule all is kept again.
  node.store->set_retention_rules({});
  write(10);
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  const auto all = node.read();
  EXPECT_EQ(all.size(), 2u);
  EXPECT_EQ(all.begin()->second.size(), 10u);
}

}  // namespace
}  // namespace troupe::storage
