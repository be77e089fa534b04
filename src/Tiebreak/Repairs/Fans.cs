using Tiebreak.Formats;

namespace Tiebreak.Repairs;

/// <summary>How many numbers a unit of a layer reads, and how many units read one number: what initialisers scale by.</summary>
/// <param name="In">Read by a unit: all inputs, at all places of a window.</param>
/// <param name="Out">Fed by a number, likewise.</param>
readonly record struct Fans(double In, double Out)
{
    /// <summary>The fans of a tensor, from what its axes mean; of an axis about which nothing is known, as PyTorch has it: the first runs over units, the others over what they read.</summary>
    public static Fans Of(ParameterTensor tensor)
    {
        var sizes = tensor.Shape.Sizes.Span;
        if (sizes.Length == 0) return new Fans(1, 1);
        var meanings = tensor.AxisMeanings;
        if (tensor.Role == ParameterRole.LookUp || meanings.Contains(AxisMeaning.Row))
        {
            double width = 1; // one row is read at a time
            for (var axis = 0; axis < sizes.Length; axis++)
                if (axis < meanings.Count ? meanings[axis] != AxisMeaning.Row : axis > 0) width *= sizes[axis];
            return new Fans(width, width);
        }

        double input = 1, output = 1, window = 1;
        var isKnown = meanings.Count == sizes.Length && meanings.Any(meaning => meaning is AxisMeaning.Input or AxisMeaning.Output);
        for (var axis = 0; axis < sizes.Length; axis++)
        {
            switch (isKnown ? meanings[axis] : axis == 0 && sizes.Length > 1 ? AxisMeaning.Output : AxisMeaning.Input)
            {
                case AxisMeaning.Input:
                    input *= sizes[axis];
                    break;
                case AxisMeaning.Output:
                    output *= sizes[axis];
                    break;
                case AxisMeaning.Window:
                    window *= sizes[axis];
                    break;
            }
        }

        return new Fans(input * window, output * window);
    }
}
