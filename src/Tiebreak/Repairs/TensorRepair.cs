namespace Tiebreak.Repairs;

/// <summary>What was done to a tensor.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="How"><c>reinit</c>, <c>noise</c>, <c>factor</c> (one of several zero factors drawn), <c>drop</c>, or the name of another method.</param>
/// <param name="Words">The same in words.</param>
/// <param name="Changed">How many of its numbers are others now.</param>
/// <param name="Parameters">How many it has.</param>
public sealed record TensorRepair(string Tensor, string How, string Words, long Changed, long Parameters);

/// <summary>Something that is still there.</summary>
/// <param name="Rule">The rule that finds it.</param>
/// <param name="Message">What it is.</param>
/// <param name="Reason">Why it was not repaired.</param>
public sealed record Unrepaired(string Rule, string Message, string Reason);
