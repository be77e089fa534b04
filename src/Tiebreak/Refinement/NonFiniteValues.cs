using Tiebreak.Formats;
using Tiebreak.Numbers;

namespace Tiebreak.Refinement;

/// <summary>NaN and infinity: among the parameters, or made by the program at its start. Where there is one, no verdict is given.</summary>
static class NonFiniteValues
{
    /// <summary>One place for each tensor that holds a value that is not finite.</summary>
    public static IReadOnlyList<NonFinitePlace> Among(IReadOnlyList<ParameterTensor> parameters)
    {
        const int Block = 4096;
        var places = new List<NonFinitePlace>();
        var block = new double[Block];
        foreach (var parameter in parameters)
        {
            if (parameter.Start is UniformTensor || !parameter.Start.HasDoubles) continue;
            long count = 0, first = -1;
            for (long start = 0; start < parameter.Start.Count; start += Block)
            {
                var values = block.AsSpan(0, (int)Math.Min(Block, parameter.Start.Count - start));
                parameter.Start.ReadDoubles(start, values);
                for (var i = 0; i < values.Length; i++)
                {
                    if (double.IsFinite(values[i])) continue;
                    if (first < 0) first = start + i;
                    count++;
                }
            }

            if (count > 0)
                places.Add(new NonFinitePlace(
                    parameter.Name,
                    $"`{parameter.Name}` holds {count} value{(count == 1 ? "" : "s")} that {(count == 1 ? "is" : "are")} NaN or infinite, the first at {Position(parameter, first)}",
                    "every step of training spreads a value that is not finite",
                    "restore the tensor from a sound checkpoint or initialise it again"));
        }

        return places;
    }

    /// <summary>One place for each node that divides by an exact zero at the start values.</summary>
    public static IReadOnlyList<NonFinitePlace> AtStart(IReadOnlyList<string> origins) =>
        [.. origins.Select(origin => new NonFinitePlace(
            null,
            $"{origin} divides by an exact zero, or takes the logarithm or the derivative of a root there, at the start values",
            "the value or its gradient is NaN or infinite from the first step on",
            "add a small constant under the division or root, or start from other values"))];

    static string Position(ParameterTensor parameter, long index)
    {
        var position = new long[parameter.Shape.Rank];
        for (var axis = position.Length - 1; axis >= 0; axis--)
        {
            position[axis] = index % parameter.Shape[axis];
            index /= parameter.Shape[axis];
        }

        return $"[{string.Join(',', position)}]";
    }
}
