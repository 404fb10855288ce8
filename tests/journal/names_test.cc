#include "journal/names.h"

#include "support.h"

namespace thorlog {
namespace {

TEST(Names, KeepTheirNumbersForEver) {
  TempFolder folder;
  {
    auto names = Names::open(real_file_system(), folder.path());
    ASSERT_TRUE(is_ok(names));
    EXPECT_EQ(*(*names)->number_of("internal"), 0);
    EXPECT_EQ(*(*names)->number_of("tcp"), 1);
    EXPECT_EQ(*(*names)->number_of("with blanks in it"), 2);
    EXPECT_EQ(*(*names)->number_of("tcp"), 1);
  }
  auto names = Names::open(real_file_system(), folder.path());
  ASSERT_TRUE(is_ok(names));
  EXPECT_EQ(*(*names)->number_of("udp"), 3);
  EXPECT_EQ(*(*names)->number_of("tcp"), 1);
  EXPECT_EQ((*names)->name_of(2), "with blanks in it");
  EXPECT_EQ((*names)->name_of(0), "internal");
  EXPECT_EQ((*names)->name_of(999), "input-999");
}

TEST(Names, RefuseWhatCanNotBeALine) {
  TempFolder folder;
  auto names = Names::open(real_file_system(), folder.path());
  ASSERT_TRUE(is_ok(names));
  EXPECT_FALSE((*names)->number_of(""));
  EXPECT_FALSE((*names)->number_of("two\nlines"));
  EXPECT_EQ(*(*names)->number_of("good"), 1);
}

TEST(Names, SayThatTheFileIsDamaged) {
  for (const char* text : {"rubbish\n", "1\n", "0 zero\n", "70000 far\n", "1tcp\n"}) {
    TempFolder folder;
    write_bytes(folder / "NAMES", text);
    auto names = Names::open(real_file_system(), folder.path());
    ASSERT_FALSE(names) << text;
    EXPECT_EQ(names.error().code, Errc::corrupt_record);
  }
}

}  // namespace
}  // namespace thorlog
