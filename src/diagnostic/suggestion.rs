/// The names nearest to `name` by spelling, best first, three at the most; none that is too far off to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let limit = (name.chars().count() / 3).max(1);
    // Not the long names that are made of it, like those of a model's assertions.
    let contains = |other: &str| lower.len() >= 4 && other.len() <= 3 * lower.len() && other.contains(&lower);
    let mut shortened = Vec::new();
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let other = candidate.to_lowercase();
            // In a project of thousands of names nearly all of them end here.
            let contains = contains(&other);
            if is_shortened(&lower, &other) {
                shortened.push((other.len(), candidate));
            }
            if !contains && lower.len().abs_diff(other.len()) > 4 * limit {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&lower, &other);
            (distance <= limit || contains).then_some((distance, candidate))
        })
        .collect();
    if near.is_empty() {
        near = shortened;
    }
    near.sort_unstable();
    near.dedup();
    near.into_iter().map(|(_, candidate)| candidate).take(3).collect()
}

/// Whether letters have been left out of a name, as in `amnt` for `amount`: not the first, and no more than half of them.
fn is_shortened(short: &str, long: &str) -> bool {
    let mut letters = long.chars();
    let begins_alike = short.chars().next() == long.chars().next();
    short.len() >= 3
        && begins_alike
        && long.len() <= 2 * short.len()
        && short.chars().all(|letter| letters.any(|other| other == letter))
}

/// ``did you mean `orders`?`` or ``did you mean `orders`, `order` or `orderz`?``; `None` where nothing is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near: Vec<String> = nearest(name, candidates).into_iter().map(|name| format!("`{name}`")).collect();
    let (last, others) = near.split_last()?;
    Some(if others.is_empty() {
        format!("did you mean {last}?")
    } else {
        format!("did you mean {} or {last}?", others.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered_best_first() {
        let names = ["orders", "order_items", "customers", "odrers", "shop_orders_assertions_uniqueKey_0"];
        assert_eq!(nearest("ordrs", names), ["orders"]);
        assert_eq!(nearest("order", names), ["orders", "order_items"]);
        assert_eq!(did_you_mean("order", names).unwrap(), "did you mean `orders` or `order_items`?");
        assert_eq!(did_you_mean("zebra", names), None);
        assert_eq!(nearest("amnt", ["id", "amount", "amendments"]), ["amount"]);
        assert_eq!(nearest("cst", names), [""; 0]);
    }
}
