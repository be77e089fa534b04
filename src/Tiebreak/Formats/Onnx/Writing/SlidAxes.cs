using Tiebreak.Programs;

namespace Tiebreak.Formats.Onnx.Writing;

/// <summary>
/// One axis of what sliding windows read. Plain: read as it is, and split into axes of its own, each a letter. Slid: position p of the windows and element k of
/// the kernel meet at Start + Stride·p + Dilation·k.
/// </summary>
/// <param name="Plain">The letters of a plain axis, outermost first, those of size 1 left out; null for a slid one.</param>
/// <param name="Start">Where the first window begins.</param>
/// <param name="Place">The letter of the windows' positions, if there is more than one.</param>
/// <param name="Places">How many positions there are.</param>
/// <param name="Stride">How far apart they are.</param>
/// <param name="Tap">The letter of the kernel's elements, if there is more than one.</param>
/// <param name="Taps">How many elements the kernel has.</param>
/// <param name="Dilation">How far apart they are.</param>
readonly record struct SlidAxis(string? Plain, int Start = 0, string Place = "", int Places = 1, int Stride = 1, string Tap = "", int Taps = 1, int Dilation = 1)
{
    /// <summary>How many elements lie from the first that is read to the last.</summary>
    public int Extent => Stride * (Places - 1) + Dilation * (Taps - 1) + 1;
}

/// <summary>Reads the axes of sliding windows off an index map.</summary>
static class SlidAxes
{
    /// <summary>The axes of the shape that is read; null if the map does not slide along one to three of its axes.</summary>
    /// <param name="lists">The map, taken apart.</param>
    /// <param name="letters">A letter for each axis of the map's target.</param>
    /// <param name="target">The map's target.</param>
    /// <param name="isPlace">Whether a letter is one of positions (true) or of a kernel (false); null for others, along which nothing can slide.</param>
    public static SlidAxis[]? Of(AxisLists lists, string letters, Shape target, Func<char, bool?> isPlace)
    {
        var axes = new SlidAxis[lists.Positions.Length];
        for (var axis = 0; axis < axes.Length; axis++)
        {
            if (Of(lists.Positions[axis], lists.TargetAxes[axis], lists.Source[axis], letters, target, isPlace) is not { } found) return null;
            axes[axis] = found;
        }

        return axes.Count(axis => axis.Plain is null) is >= 1 and <= 3 && Array.Exists(axes, axis => axis is { Places: > 1, Taps: > 1 }) ? axes : null;
    }

    static SlidAxis? Of(int[] positions, int[] targets, int size, string letters, Shape target, Func<char, bool?> isPlace)
    {
        if (positions.Length == size && positions.Index().All(entry => entry.Item == entry.Index)) return new SlidAxis(string.Concat(targets.Select(axis => letters[axis])));
        var slid = new SlidAxis(null, positions[0]);
        var inner = 1;
        foreach (var axis in targets.Reverse())
        {
            var step = positions[inner] - positions[0];
            var letter = letters[axis].ToString();
            var place = isPlace(letters[axis]);
            if (step < 1 || place is null || (place.Value ? slid.Places : slid.Taps) > 1) return null;
            slid = place.Value
                ? slid with { Place = letter, Places = target[axis], Stride = step }
                : slid with { Tap = letter, Taps = target[axis], Dilation = step };
            inner *= target[axis];
        }

        return slid;
    }
}
