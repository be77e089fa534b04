using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas;

/// <summary>How large the tensors of a formula may be: a line of text must not ask for more memory than a machine has.</summary>
internal static class TensorSize
{
    /// <summary>The most axes.</summary>
    public const int MostAxes = 8;

    /// <summary>The most elements of a tensor that is computed, or starts from one number.</summary>
    public const long MostElements = 100_000_000;

    /// <summary>The most elements of a tensor whose start values are listed, drawn or read.</summary>
    public const long MostListed = 10_000_000;

    /// <summary>Refuses a shape above the limits before anything of that size is made.</summary>
    /// <exception cref="TiebreakException">The shape is too large.</exception>
    public static Shape Checked(Shape shape, int place, FormulaErrors errors, long limit = MostElements)
    {
        if (shape.Rank > MostAxes) throw errors.At(place, $"a tensor of {shape.Rank} axes; at most {MostAxes} are supported");
        long count = 1;
        foreach (var size in shape.Sizes.Span)
        {
            count *= size;
            if (count > limit) throw errors.TooManyElements(place, shape, limit);
        }

        return shape;
    }
}
