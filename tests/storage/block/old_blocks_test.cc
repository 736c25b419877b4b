// Blocks written by earlier releases must be readable for ever.
#include "storage/block/block_check.h"
#include "tests/storage/block/block_fixture.h"

#include <charconv>
#include <fstream>
#include <sstream>

namespace troupe::storage {
namespace {

std::string unhex(std::string_view text) {
  std::string out;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    out += static_cast<char>(byte);
  }
  return out;
}

struct old_block {
  std::string name;
  int index_version;
  int meta_version;
  uint64_t linked_chunks;
};

class old_blocks : public ::testing::TestWithParam<old_block> {};

TEST_P(old_blocks, are_read) {
  std::ifstream file(TROUPE_SOURCE_DIR "/tests/storage/block/testdata/block_" + GetParam().name +
                     ".txt");
  ASSERT_TRUE(file);
  test::block_fixture f(1);
  std::string line, id;
  test::flat want;
  while (std::getline(file, line)) {
    std::istringstream in(line);
    std::string what, name, value;
    timestamp_ms ts = 0;
    in >> what >> name;
    if (what == "file") {
      in >> value;
      id = name.substr(0, name.find('/'));
      ASSERT_TRUE(f.fs.create_directories("blocks/" + id).ok());
      f.fs.put("blocks/" + name, unhex(value));
    } else if (what == "sample") {
      in >> ts >> value;
      want[unhex(name)][ts] = unhex(value);
    }
  }
  EXPECT_EQ(f.fs.content("blocks/" + id + "/index")[4], GetParam().index_version);
  EXPECT_EQ(f.fs.content("blocks/" + id + "/meta").substr(0, 15),
            "troupe block " + std::to_string(GetParam().meta_version) + "\n");
  const auto block = f.open(id);
  ASSERT_TRUE(block.ok()) << block.error().to_string();
  EXPECT_EQ((*block)->meta().linked_chunks, GetParam().linked_chunks);
  EXPECT_EQ((*block)->tombstoned_series(), 1u);
  EXPECT_GT(test::count_samples(want), 100u);
  EXPECT_EQ(test::read_all(**block), want);
  block_check check(*block);
  while (!check.step(1 << 20)) {
  }
  EXPECT_EQ(check.damages(), 0u);
}

INSTANTIATE_TEST_SUITE_P(versions, old_blocks,
                         ::testing::Values(old_block{"v1", 1, 1, 0}, old_block{"v2", 2, 1, 0},
                                           old_block{"linked", 3, 2, 9}),
                         [](const auto& i) { return i.param.name; });

}  // namespace
}  // namespace troupe::storage
