#include <cstddef>
#include <cstdint>

#include "protocol/locate/dns.hpp"
#include "protocol/locate/order.hpp"
#include "protocol/locate/search.hpp"

using namespace beckon;
using namespace beckon::locate;

namespace {

/// The question of the message, as it was asked: an answer must repeat it.
Question question_of(ByteView message) {
  Question question{.name = {}, .type = Type::a};
  std::size_t at = 12;
  while (at < message.size() && message[at] != 0 && message[at] < 64 && at + message[at] < message.size()) {
    if (!question.name.empty()) question.name += '.';
    for (std::size_t i = 1; i <= message[at]; ++i) {
      const auto c = static_cast<char>(message[at + i]);
      question.name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    }
    at += 1U + message[at];
  }
  if (at + 2 < message.size()) question.type = static_cast<Type>(message[at + 1] << 8 | message[at + 2]);
  return question;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView message(data, size);
  const auto question = question_of(message);
  const auto answer = read_answer(question, message);
  if (!answer) return 0;
  if (answer->addresses.size() + answer->services.size() + answer->pointers.size() > max_records)
    __builtin_trap();

  // A search that gets this answer to whatever it asks ends, within its bounds.
  SeededRandom random(1);
  Search search({.host = "example.org"}, {}, random);
  std::size_t asked = 0;
  while (!search.is_done()) {
    const auto questions = search.take_questions();
    if (questions.empty()) __builtin_trap();
    asked += questions.size();
    for (const auto& each : questions) search.on_answer(each, *answer);
  }
  if (asked > Search::max_questions) __builtin_trap();
  if (search.result() && search.result()->size() > Search::max_hops) __builtin_trap();
  return 0;
}
