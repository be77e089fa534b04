using Xunit;
using Tiebreak.Formats;
using Tiebreak.Formats.Formulas;
using Tiebreak.Numbers;
using Tiebreak.Programs;
using Tiebreak.Tests.Programs;

namespace Tiebreak.Tests.Formats.Formulas;

/// <summary>Formulas in tests: from text to a model, and the exact value of a loss without oracles.</summary>
static class Formula
{
    public static Model Lower(string text, LoweringOptions? options = null)
    {
        using var file = FormulaReader.Parse(text, "test.tb", Path.GetTempPath());
        return file.Lower(options ?? new LoweringOptions());
    }

    public static TiebreakException Error(string text, LoweringOptions? options = null) => Assert.Throws<TiebreakException>(() => Lower(text, options));

    /// <summary>The loss in exact arithmetic, with parameters at their start and data as given; arithmetic primitives and choices only.</summary>
    public static Rational Value(string text, params (string Name, Rational[] Values)[] data) => Value(Lower(text), data);

    public static Rational Value(Model model, params (string Name, Rational[] Values)[] data)
    {
        var (_, values) = Assert.Single(RationalEvaluator.Evaluate(model.Program, Leaf));
        return Assert.Single(values);

        Rational[] Leaf(Node node)
        {
            if (node.Primitive is Primitive.Data leaf) return data.Single(entry => string.Equals(entry.Name, leaf.Name, StringComparison.Ordinal)).Values;
            var name = ((Primitive.Parameter)node.Primitive).Name;
            var start = model.Parameters.Concat(model.Frozen).Single(tensor => string.Equals(tensor.Name, name, StringComparison.Ordinal)).Start;
            return [.. Enumerable.Range(0, (int)node.Shape.Count).Select(k => start[k])];
        }
    }
}
