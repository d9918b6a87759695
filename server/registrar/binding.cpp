#include "server/registrar/binding.hpp"

#include <algorithm>
#include <atomic>
#include <new>

#include "server/store/record.hpp"

namespace beckon::server::registrar {

/// The octets follow it.
struct BindingTexts::Block {
  std::atomic<std::uint32_t> owners{0};
  std::array<std::uint32_t, count> ends{};
  char* octets() { return reinterpret_cast<char*>(this + 1); }
};

void intrusive_ptr_add_ref(BindingTexts::Block* block) {
  block->owners.fetch_add(1, std::memory_order_relaxed);
}

void intrusive_ptr_release(BindingTexts::Block* block) {
  if (block->owners.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block->~Block();
  ::operator delete(block);
}

BindingTexts::BindingTexts(const Fields& fields) {
  const std::array<std::string_view, count> all{fields.contact, fields.parameters, fields.instance,
                                                fields.path,    fields.call_id,    fields.user_agent};
  std::size_t size = 0;
  for (const std::string_view text : all) size += text.size();
  block_ = new (::operator new(sizeof(Block) + size)) Block;
  std::uint32_t end = 0;
  for (unsigned i = 0; i < count; ++i) {
    std::ranges::copy(all[i], block_->octets() + end);
    block_->ends[i] = end += static_cast<std::uint32_t>(all[i].size());
  }
}

std::string_view BindingTexts::get(unsigned field) const {
  if (!block_) return {};
  const std::uint32_t begin = field == 0 ? 0 : block_->ends[field - 1];
  return {block_->octets() + begin, block_->ends[field] - begin};
}

BindingTexts::Fields BindingTexts::fields() const { return {get(0), get(1), get(2), get(3), get(4), get(5)}; }

const char* to_string(BindingEvent event) {
  switch (event) {
    case BindingEvent::registered:
      return "registered";
    case BindingEvent::created:
      return "created";
    case BindingEvent::refreshed:
      return "refreshed";
    case BindingEvent::shortened:
      return "shortened";
    case BindingEvent::expired:
      return "expired";
    case BindingEvent::deactivated:
      return "deactivated";
    case BindingEvent::unregistered:
      return "unregistered";
    case BindingEvent::rejected:
      return "rejected";
  }
  return "unknown";
}

bool is_end(BindingEvent event) {
  return event == BindingEvent::expired || event == BindingEvent::deactivated ||
         event == BindingEvent::unregistered || event == BindingEvent::rejected;
}

std::string key_of(const Binding& binding) {
  if (binding.instance().empty()) return std::string(binding.contact());
  return std::string(binding.instance()) + ';' + std::to_string(binding.reg_id);
}

namespace {

/// q has three decimals (RFC 3261 25.1).
constexpr float q_steps = 1000;

}  // namespace

std::string print(const Binding& binding, const store::TimeScale& scale) {
  return store::RecordWriter()
      .text(binding.contact())
      .text(binding.parameters())
      .text(binding.instance())
      .text(binding.path())
      .text(binding.call_id())
      .text(binding.user_agent())
      .number(binding.reg_id)
      .number(binding.cseq)
      .number(static_cast<std::uint64_t>(binding.q * q_steps + 0.5F))
      .hop(binding.received())
      .flag(binding.suspended)
      .time(binding.registered, scale)
      .lifetime(std::chrono::seconds(binding.granted), binding.expires, scale)
      .number(binding.epoch)
      .number(binding.first_cseq)
      .finish();
}

std::optional<Binding> parse_binding(std::string_view value, Time now, const store::TimeScale& scale,
                                     Duration grace) {
  store::RecordReader reader(value);
  BindingTexts::Fields texts;
  for (std::string_view* text :
       {&texts.contact, &texts.parameters, &texts.instance, &texts.path, &texts.call_id, &texts.user_agent})
    *text = reader.text();
  Binding binding(texts);
  binding.reg_id = reader.number_as<std::uint32_t>();
  binding.cseq = reader.number_as<std::uint32_t>();
  binding.q = static_cast<float>(reader.number_as<std::uint16_t>()) / q_steps;
  const auto kept = reader.hop();
  binding.set_received(kept.hop);
  const bool was_suspended = reader.flag();
  binding.suspended = kept.had_flow || was_suspended;
  binding.registered = reader.time(now, scale);
  const store::Lifetime lifetime = reader.lifetime(now, scale, grace);
  binding.epoch = reader.number_as<std::uint32_t>();
  binding.first_cseq = reader.number_as<std::uint32_t>();
  if (!reader.ok() || texts.contact.empty()) return std::nullopt;
  binding.granted =
      static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(lifetime.granted).count());
  binding.expires = now + lifetime.left;
  return binding;
}

}  // namespace beckon::server::registrar
