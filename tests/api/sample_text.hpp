#pragma once
// JSON texts made from a schema's tables: valid ones at random, and for each rule a text that
// breaks it. Independent of the reader in what it decides: it builds texts, it never judges them.

#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/rng.hpp"
#include "wire/json/type.hpp"

namespace lobo::json {

/// A text that the schema takes.
std::string sample_text(const Type& type, const Rules& rules, Rng& rng, std::size_t depth = 0);

/// A text with exactly one fault, and the fault.
struct Broken {
  std::string text;
  Errc code;
  std::string where;
};

/// For an object type: each required member left out, and each member of another JSON type.
std::vector<Broken> broken_texts(const ObjectType& object, Rng& rng);

/// Matchers for which no sample is known; the tests want none.
const std::vector<std::string>& matchers_without_sample();

}  // namespace lobo::json
