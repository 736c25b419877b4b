#include "storage/wal/frame.h"

#include "storage/base/coding.h"
#include "storage/wal/segment_header.h"

#include <gtest/gtest.h>

#include <cstring>

namespace troupe::storage {
namespace {

frame_header sample_header() {
  frame_header h;
  h.kind = frame_kind::stream;
  h.stream = 42;
  h.salt = 0xdeadbeef;
  h.epoch = 7;
  h.sequence = 99;
  h.ts = -5;
  h.tenant = "acme";
  return h;
}

TEST(frame, header_layout_is_what_the_document_says) {
  // These bytes are part of the format of version 1: a change breaks every log there is.
  std::string out;
  put_frame(sample_header(), "body", false, out);
  std::string want;
  put_u32(want, 0x46505254);
  put_u32(want, 56);
  put_u32(want, 0);
  for (uint8_t b : {1, 2, 0, 4})
    put_u8(want, b);
  put_u16(want, 42);
  put_u16(want, 52);
  put_u32(want, 0xdeadbeef);
  put_u64(want, 7);
  put_u64(want, 99);
  put_u64(want, static_cast<uint64_t>(int64_t{-5}));
  want += "acmebody";
  std::string without_crc = out;
  without_crc.replace(8, 4, std::string(4, '\0'));
  EXPECT_EQ(without_crc, want);
  uint32_t crc;
  std::memcpy(&crc, out.data() + 8, 4);
  EXPECT_EQ(crc, 2602109938u);
}

TEST(frame, comes_back_plain_and_packed) {
  for (bool compress : {false, true}) {
    std::string body(5000, 'x');
    std::string out = "before";
    EXPECT_EQ(put_frame(sample_header(), body, compress, out), compress);
    frame f;
    ASSERT_EQ(check_frame(std::string_view(out).substr(6), f), frame_state::intact);
    EXPECT_EQ(f.length, out.size() - 6);
    EXPECT_EQ(f.header.stream, 42);
    EXPECT_EQ(f.header.epoch, 7u);
    EXPECT_EQ(f.header.sequence, 99u);
    EXPECT_EQ(f.header.ts, -5);
    EXPECT_EQ(f.header.tenant, "acme");
    std::string scratch;
    auto back = frame_body(f, scratch);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, body);
  }
}

TEST(frame, is_stored_plain_when_packing_does_not_pay) {
  std::string body;
  for (uint64_t i = 0; i < 100; ++i)
    put_u64(body, i * 0x9e3779b97f4a7c15ULL);
  std::string out;
  EXPECT_FALSE(put_frame(sample_header(), body, true, out));
}

TEST(frame, every_flipped_bit_is_seen) {
  std::string out;
  put_frame(sample_header(), "some body", false, out);
  for (size_t bit = 0; bit < out.size() * 8; ++bit) {
    std::string bad = out;
    bad[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    frame f;
    EXPECT_NE(check_frame(bad, f), frame_state::intact) << bit;
  }
}

TEST(frame, every_shorter_prefix_is_incomplete) {
  std::string out;
  put_frame(sample_header(), "some body", false, out);
  for (size_t n = 1; n < out.size(); ++n) {
    frame f;
    EXPECT_EQ(check_frame(std::string_view(out).substr(0, n), f), frame_state::incomplete) << n;
  }
}

TEST(frame, a_packed_body_cannot_claim_more_than_lz4_can_expand_to) {
  frame f;
  f.packed = true;
  std::string stored;
  put_u32(stored, 60u << 20);
  stored += "tiny";
  f.stored_body = stored;
  std::string scratch;
  EXPECT_EQ(frame_body(f, scratch).code(), errc::corruption);
  f.stored_body = "ab";
  EXPECT_EQ(frame_body(f, scratch).code(), errc::corruption);
}

TEST(frame, the_next_one_is_found_behind_junk_by_its_salt) {
  std::string data = "TRPFTRPF junk T";
  size_t at = data.size();
  put_frame(sample_header(), "one", false, data);
  EXPECT_EQ(find_frame(data, 0, 0xdeadbeef, false), at);
  EXPECT_EQ(find_frame(data, 0, 1, false), std::string_view::npos);
  EXPECT_EQ(find_frame(data, 0, 1, true), at);
  EXPECT_EQ(find_frame(data, at + 1, 0xdeadbeef, false), std::string_view::npos);
}

TEST(segment_header, comes_back_and_refuses_nonsense) {
  segment_header h;
  h.epoch = 3;
  h.salt = 4;
  h.shard = 1;
  h.shards = 4;
  h.number = 9;
  h.role = segment_role::checkpoint;
  h.series_number = 5;
  h.previous = 8;
  h.previous_length = 1234;
  h.next_sequences = {{1, 17}, {255, 3}};
  std::string out;
  put_segment_header(h, 1000, out);
  frame f;
  ASSERT_EQ(check_frame(out, f), frame_state::intact);
  EXPECT_EQ(f.header.salt, 4u);
  EXPECT_EQ(f.header.ts, 1000);
  segment_header back;
  ASSERT_TRUE(read_segment_header(f.stored_body, back));
  EXPECT_EQ(back.shard, 1u);
  EXPECT_EQ(back.previous_length, 1234u);
  EXPECT_EQ(back.next_sequences, h.next_sequences);
  back.epoch = f.header.epoch;
  EXPECT_EQ(back.name(wal_file_kind::segment).to_string(),
            "0000000000000003-001of004-00000009.checkpoint");
  std::string body(f.stored_body);
  for (size_t n = 0; n < body.size(); ++n)
    EXPECT_FALSE(read_segment_header(std::string_view(body).substr(0, n), back)) << n;
  body[0] = 2;
  EXPECT_FALSE(read_segment_header(body, back)) << "a later format";
}

TEST(wal_file_name, comes_back_and_refuses_others) {
  for (const char* name :
       {"000000006553f100-003of008-00000012.wal", "ffffffffffffffff-255of256-99999999.series",
        "0000000000000000-000of001-00000001.checkpoint",
        "0000000000000001-000of001-00000001.table"}) {
    auto parsed = wal_file_name::parse(name);
    ASSERT_TRUE(parsed.has_value()) << name;
    EXPECT_EQ(parsed->to_string(), name);
  }
  for (const char* name :
       {"", "epoch", "000000006553f100-003of008-00000012.wal.tmp",
        "000000006553f100-003of008-0000001x.wal", "000000006553f100-008of008-00000012.wal",
        "000000006553f100-000of000-00000012.wal", "000000006553f100-000of257-00000012.wal",
        "000000006553f100-003of008-00000012."})
    EXPECT_FALSE(wal_file_name::parse(name).has_value()) << name;
}

}  // namespace
}  // namespace troupe::storage
