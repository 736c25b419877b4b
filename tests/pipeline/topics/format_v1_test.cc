// Records of version 1 stay readable for ever: testdata/v1.records was written by the first version
// and is never changed. A record each: varint length, bytes.
#include "storage/base/coding.h"
#include "tests/pipeline/topics/topics_kit.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace troupe::topics {
namespace {

std::string content_of(const std::string& name) {
  std::ifstream in(TROUPE_SOURCE_DIR "/tests/pipeline/topics/testdata/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

TEST(topics_format_v1, is_read_as_it_was_written) {
  const std::string records = content_of("v1.records");
  record_reader reader({});
  std::string text;
  int64_t offset = 0;
  byte_reader in(records);
  while (!in.at_end()) {
    const auto got = reader.read(in.bytes(), offset++);
    ASSERT_TRUE(got.ok());
    const record_header& h = *got->header;
    text +=
        fmt::format("record node={} session={} segment={} index={} key={} as_of={} samples={}\n",
                    h.node, h.session, h.segment, h.index, h.key_offset, h.as_of, h.samples);
    text += text_of(got->batches);
  }
  EXPECT_EQ(offset, 10);
  EXPECT_EQ(text, content_of("v1.txt"));
}

}  // namespace
}  // namespace troupe::topics
