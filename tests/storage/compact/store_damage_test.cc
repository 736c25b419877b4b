// Damaged, leftover and foreign things in the folder: the rest goes on, and it is told.
#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::store_fixture;

std::string path_of(const store_fixture& f, size_t block, const std::string& file) {
  return "data/blocks/" + f.store->blocks().at(block)->meta().id + "/" + file;
}

// Puts a file into a folder that may be gone.
void restore(store_fixture& f, const std::string& path, const std::string& content) {
  ASSERT_TRUE(f.fs.create_directories(path.substr(0, path.rfind('/'))).ok());
  f.fs.put(path, content);
}

// One block per 2 h range, each with series of its own.
std::vector<flat> write_some(store_fixture& f, int n) {
  std::vector<flat> out;
  for (int i = 0; i < n; ++i) {
    const auto data = test::random_series(
        f.random, {.series = 4, .samples = 20, .from = i * 2 * hour, .job = std::to_string(i)});
    EXPECT_TRUE(f.write(data, i * 2 * hour, (i + 1) * 2 * hour).ok());
    out.push_back(test::flatten(data));
  }
  return out;
}

flat join(std::initializer_list<flat> parts) {
  flat out;
  for (auto part : parts)
    for (auto& [name, rows] : part)
      out[name].merge(rows);
  return out;
}

TEST(store_damage, a_damaged_block_is_set_aside_and_stays_known) {
  for (const std::string file : {"meta", "index", "tombstones"}) {
    store_fixture f(1);
    const auto parts = write_some(f, 2);
    const auto id = f.store->blocks()[0]->meta().id;
    const auto path = path_of(f, 0, file);
    f.fs.flip_bit(path, f.fs.content(path).size() - 6, 2);
    for (int start = 0; start < 3; ++start) {
      f.reopen();
      EXPECT_EQ(f.content(), parts[1]) << file;
      ASSERT_EQ(f.store->infos().size(), 2u);
      const auto info = f.store->infos()[1];
      EXPECT_EQ(info.id, id);
      EXPECT_TRUE(info.quarantined);
      EXPECT_NE(info.reason.find("corruption"), std::string::npos) << info.reason;
      EXPECT_EQ(f.store->counts().quarantined, 1u);
      EXPECT_FALSE(f.fs.exists("data/blocks/" + id));
      EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/chunks"));
      f.fs.crash();
    }
  }
}

TEST(store_damage, what_cannot_be_read_now_is_not_moved) {
  store_fixture f(2);
  const auto parts = write_some(f, 2);
  f.fs.fail_only_on(f.store->blocks()[0]->meta().id + "/index");
  f.fs.fail_nth(1, errc::io_error, true, support::op_read);
  f.reopen();
  EXPECT_EQ(f.content(), parts[1]);
  EXPECT_TRUE(f.store->infos()[1].quarantined);
  f.fs.clear_faults();
  f.reopen();
  EXPECT_EQ(f.content(), join({parts[0], parts[1]})) << "readable again";
  EXPECT_EQ(f.store->counts().quarantined, 0u);
}

TEST(store_damage, a_block_whose_file_fails_while_mapped_is_set_aside) {
  store_fixture f(9);
  const auto parts = write_some(f, 2);
  const auto id = f.store->blocks()[0]->meta().id;
  f.store->set_unreadable_aside();
  EXPECT_EQ(f.store->blocks().size(), 2u);
  f.fs.fail_mappings(path_of(f, 0, "index"));
  f.store->set_unreadable_aside();
  EXPECT_EQ(f.content(), parts[1]);
  EXPECT_EQ(f.store->counts().quarantined, 1u);
  EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/chunks"));
  f.reopen();
  EXPECT_EQ(f.content(), parts[1]);
  ASSERT_EQ(f.store->infos().size(), 2u);
  EXPECT_NE(f.store->infos()[1].reason.find("could not be read"), std::string::npos);
}

// Merges three blocks, then puts the parents' files back as a crash before their removal leaves
// them.
flat merge_and_restore_parents(store_fixture& f, std::vector<std::string>& parents) {
  const auto parts = write_some(f, 3);
  std::map<std::string, std::string> files;
  for (const auto& path : f.fs.files("data/blocks/"))
    files[path] = f.fs.content(path);
  for (const auto& b : f.store->blocks())
    parents.push_back(b->meta().id);
  EXPECT_TRUE(*f.store->compact_once(test::plan));
  for (const auto& [path, content] : files)
    restore(f, path, content);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 4u);
  return join({parts[0], parts[1], parts[2]});
}

TEST(store_damage, parents_of_a_healthy_block_are_ignored_and_removed) {
  store_fixture f(3);
  std::vector<std::string> parents;
  const auto all = merge_and_restore_parents(f, parents);
  // A deletion that only the child knows must not be undone by a parent.
  ASSERT_TRUE(f.store->delete_series("t", 0, hour, std::vector<matchers>{{}}).ok());
  const auto expected = f.content();
  EXPECT_NE(expected, all);
  // One of the parents is damaged as well: of no interest any more.
  f.fs.flip_bit("data/blocks/" + parents[1] + "/meta", 3, 1);
  f.reopen();
  EXPECT_EQ(f.content(), expected);
  EXPECT_EQ(f.store->infos().size(), 1u);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 1u);
}

TEST(store_damage, parents_serve_when_the_merge_is_damaged) {
  store_fixture f(4);
  std::vector<std::string> parents;
  const auto all = merge_and_restore_parents(f, parents);
  f.fs.flip_bit(path_of(f, 0, "index"), 0, 0);
  f.reopen();
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.store->blocks().size(), 3u);
  EXPECT_EQ(f.store->counts().quarantined, 1u);
  EXPECT_TRUE(*f.store->compact_once(test::plan));
  EXPECT_EQ(f.content(), all);
}

TEST(store_damage, a_parent_that_cannot_be_removed_stays_replaced) {
  store_fixture f(5);
  const auto parts = write_some(f, 3);
  const auto stuck = f.store->blocks()[1]->meta().id;
  f.fs.fail_only_on(stuck + ".deleted");
  f.fs.fail_nth(1, errc::io_error, true, support::op_rename);
  ASSERT_TRUE(*f.store->compact_once(test::plan));
  const auto all = join({parts[0], parts[1], parts[2]});
  EXPECT_EQ(f.content(), all);
  EXPECT_TRUE(f.fs.exists("data/blocks/" + stuck));
  // The child is rewritten without the samples that are deleted now; the stuck one is its
  // grandparent.
  ASSERT_TRUE(f.store->delete_series("t", 0, 3 * hour, std::vector<matchers>{{}}).ok());
  ASSERT_TRUE(f.store->clean_tombstones().ok());
  const auto expected = f.content();
  EXPECT_NE(expected, all);
  f.reopen();
  EXPECT_EQ(f.content(), expected);
  f.fs.clear_faults();
  f.reopen();
  EXPECT_EQ(f.content(), expected);
  EXPECT_FALSE(f.fs.exists("data/blocks/" + stuck));
}

TEST(store_damage, merging_a_block_with_damaged_chunks_keeps_them_in_quarantine) {
  store_fixture f(6);
  const auto parts = write_some(f, 3);
  const auto id = f.store->blocks()[1]->meta().id;
  f.fs.flip_bit(path_of(f, 1, "chunks"), 40, 5);
  f.reopen();
  const auto readable = f.content();
  EXPECT_TRUE(test::is_part_of(readable, join({parts[0], parts[1], parts[2]})));
  ASSERT_TRUE(*f.store->compact_once(test::plan));
  EXPECT_EQ(f.content(), readable);
  EXPECT_FALSE(f.store->blocks()[0]->damage().any());
  EXPECT_FALSE(f.fs.exists("data/blocks/" + id));
  EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/chunks.0"));
  EXPECT_EQ(f.store->counts().quarantined, 1u);
  f.reopen();
  EXPECT_EQ(f.content(), readable);
  EXPECT_EQ(f.store->counts().quarantined, 1u);
}

TEST(store_damage, leftovers_go_and_strangers_stay) {
  store_fixture f(7);
  const auto parts = write_some(f, 1);
  const auto id = f.store->blocks()[0]->meta().id;
  restore(f, "data/blocks/01HF7YATZ70000000000000000.tmp/chunks", "half");
  restore(f, "data/blocks/01HF7YATZ70000000000000001.deleted.tmp/meta", "gone");
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 3u);
  f.fs.put("data/blocks/notes.txt", "a stranger");
  f.fs.put("data/blocks/" + id + "/tombstones.tmp", "half");
  f.reopen();
  EXPECT_EQ(f.content(), parts[0]);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 2u);
  EXPECT_EQ(f.fs.content("data/blocks/notes.txt"), "a stranger");
}

TEST(store_damage, a_full_disk_stops_merging_not_reading_or_expiry) {
  store_fixture f(8);
  const auto parts = write_some(f, 3);
  const auto all = join({parts[0], parts[1], parts[2]});
  f.fs.set_space_limit(f.fs.used_bytes() + 500);
  EXPECT_EQ(f.store->compact_once(test::plan).code(), errc::no_space);
  EXPECT_EQ(f.store->counts().compactions_failed, 1u);
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 3u);
  EXPECT_EQ(*f.store->apply_retention({4 * hour, 0}, 0), 1u);
  f.fs.set_space_limit(0);
  EXPECT_TRUE(*f.store->compact_once(test::plan)) << "two of three are left";
  EXPECT_EQ(f.content(), join({parts[1], parts[2]}));
}

}  // namespace
}  // namespace troupe::storage
