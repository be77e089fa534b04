using System.Text;
using Tiebreak.Numbers;
using Tiebreak.Programs;

namespace Tiebreak.Formats.Formulas.Rewriting;

/// <summary>Start values as a formula writes them, exactly.</summary>
static class ValueText
{
    /// <summary>The most numbers of a list; more are easier to read in a file of their own.</summary>
    public const int LongestList = 64;

    /// <summary>Whether all are one number.</summary>
    public static bool IsOne(ExactTensor values)
    {
        if (values is UniformTensor) return true;
        for (long k = 1; k < values.Count; k++)
            if (values[k] != values[0]) return false;
        return true;
    }

    /// <summary>The one number they all are.</summary>
    public static string One(ExactTensor values) => ExactText.Of(values[0]);

    /// <summary>A nested list; null where there are too many, unless a file of doubles would not hold them exactly.</summary>
    public static string? List(ExactTensor values, Shape shape)
    {
        if (values.Count > LongestList && values.HasDoubles) return null;
        var text = new StringBuilder();
        var position = 0L;
        Append(0);
        return text.ToString();

        void Append(int axis)
        {
            if (axis == shape.Rank)
            {
                text.Append(ExactText.Of(values[position++]));
                return;
            }

            text.Append('[');
            for (var k = 0; k < shape[axis]; k++)
            {
                if (k > 0) text.Append(", ");
                Append(axis + 1);
            }

            text.Append(']');
        }
    }
}
